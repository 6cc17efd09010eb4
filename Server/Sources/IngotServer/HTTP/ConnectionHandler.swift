import HTTPTypes
import Ingot
import NIOCore
import NIOHTTPTypes

/// A body that didn't come in time.
struct LateBody: Error {}

/// Watches a connection: a head and a body must come in time however slowly their bytes trickle in, what is closed on this
/// side doesn't stay open on the other, and a request learns that its client is gone.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private var connection: Connection?
  private var timer: Scheduled<Void>?
  private var isBodyComing = false
  private var requests = 0

  /// Of a connection on which nothing is asked for now, in multiples of the time for a head.
  static let idleFactor = 6
  /// Seconds that a client has to close its side.
  static let lingering: Int64 = 3

  func handlerAdded(context: ChannelHandlerContext) {
    connection = ConnectionTable.shared.add(context.channel)
    wait(Int64(Limit.headSeconds.value), context) { context in context.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { end(context) }

  func channelInactive(context: ChannelHandlerContext) {
    end(context)
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      requests += 1
      // Such as curl's, which waits a second for it.
      let isTooLong =
        head.headerFields[.contentLength].flatMap { Int($0) }.map { $0 > Limit.requestBytes.value } ?? false
      if head.headerFields[.expect]?.lowercased() == "100-continue", !isTooLong {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
      }
      isBodyComing = true
      wait(Int64(Limit.bodySeconds.value), context) { context in context.fireErrorCaught(LateBody()) }
    case .body: break
    case .end:
      isBodyComing = false
      timer?.cancel()
      timer = nil
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      requests -= 1
      if isBodyComing {
        // It was answered before it was read, and the rest is of no interest.
        let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { _ in
          let (handler, context) = loop.value
          handler.close(context: context, mode: .output, promise: nil)
        }
        context.write(data, promise: written)
        return
      }
      if requests == 0 {
        wait(Int64(Limit.headSeconds.value * Self.idleFactor), context) { context in context.close(promise: nil) }
      }
    }
    context.write(data, promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if mode == .output { wait(Self.lingering, context) { context in context.close(promise: nil) } }
    context.close(mode: mode, promise: promise)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed { connection?.clientIsGone() }
    context.fireUserInboundEventTriggered(event)
  }

  private func end(_ context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    connection?.clientIsGone()
    connection = nil
    ConnectionTable.shared.remove(context.channel)
  }

  /// Does something when so many seconds have passed and nothing else was waited for meanwhile.
  private func wait(
    _ seconds: Int64, _ context: ChannelHandlerContext, _ late: @escaping @Sendable (ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: .seconds(seconds)) {
      let (handler, context) = loop.value
      handler.timer = nil
      late(context)
    }
  }
}
