import Hummingbird
import Logging

/// What the framework hands on with a request.
struct Context: RequestContext {
  var coreContext: CoreRequestContextStorage
  let connection: Connection

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    // One that is closed already is in no table any more.
    connection = ConnectionTable.shared.connection(of: source.channel) ?? Connection.closed
  }
}

extension Connection {
  static var closed: Connection {
    let connection = Connection()
    connection.clientIsGone()
    return connection
  }
}
