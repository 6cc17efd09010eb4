import CoreMetrics
import Hummingbird
import HummingbirdCore
import Ingot
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// The server as a whole: what it answers, and the services that run beside.
public struct IngotApplication {
  private let settings: ServerSettings
  private let logger: Logger

  public init(_ settings: ServerSettings, logger: Logger) { (self.settings, self.logger) = (settings, logger) }

  /// Serves until the process is told to end (SIGTERM, SIGINT): then no more requests are accepted, and those that were are
  /// answered. SIGHUP has the shelf looked at again.
  /// - Throws: what the system says where the address can't be had; `Failure` when the shelf can't be read.
  public func run() async throws {
    let prometheus = PrometheusText()
    MetricsSystem.bootstrap(PrometheusFactory(text: prometheus))
    let services = Services(settings, metrics: ServerMetrics(prometheus), logger: logger)
    let known = try services.store.list()
    if known.isEmpty { logger.warning("there are no nets on the shelf; `ingot convert` makes them") }
    var quiet = logger
    quiet.logLevel = max(.warning, logger.logLevel)
    let responder = Responder(
      routes: Routes(all: Self.routes(services)),
      access: Access(token: settings.token, origins: settings.origins, hosts: settings.hosts + [settings.host]),
      metrics: services.metrics, logger: logger)
    let application = Application(
      responder: responder,
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [ConnectionHandler()],
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: ApplicationConfiguration(
        address: .hostname(settings.host, port: settings.port), serverName: "ingot",
        availableConnectionsDelegate: MaximumAvailableConnections(Limit.connections.value, logger: quiet)),
      onServerRunning: { [settings, logger] channel in
        let port = channel.localAddress?.port ?? settings.port
        let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
        // One line for programs that started this one and wait for it.
        try? Console.print("ingot-serve: listening on http://\(host):\(port)")
        logger.notice(
          "listening", metadata: ["host": "\(settings.host)", "port": "\(port)", "models": "\(known.count)"])
      },
      logger: quiet)
    var configuration = ServiceGroupConfiguration(
      services: [application, Tidying(services: services)],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
    configuration.maximumGracefulShutdownDuration = .seconds(settings.drainSeconds)
    try await ServiceGroup(configuration: configuration).run()
    logger.notice("ended")
  }

  private static func routes(_ services: Services) -> [Route] {
    let health = Health(services: services)
    let models = Models(services: services)
    let own = OwnPaths(services: services)
    return [
      Route(.get, "/", isOpen: true, Page.answer),
      Route(.get, "/openapi.json", OpenAPIDocument(services: services).answer),
      Route(.post, "/ingot/v1/match", own.match), Route(.post, "/ingot/v1/classify", own.classify),
      Route(.post, "/ingot/v1/attention", own.attention), Route(.get, "/ingot/v1/arrays/{model}", own.arrays),
      Route(.get, "/healthz", isOpen: true, health.live), Route(.get, "/readyz", isOpen: true, health.ready),
      Route(.get, "/metrics", health.metrics),
      Route(.get, "/v1/models", models.list), Route(.get, "/v1/models/{model}", models.one),
      Route(.post, "/v1/chat/completions", ChatCompletions(services: services).answer),
      Route(.post, "/v1/embeddings", Embeddings(services: services).answer),
    ] + ollama(services) + inference(services)
  }

  private static func inference(_ services: Services) -> [Route] {
    let inference = Inference(services: services)
    let model = "/v2/models/{model}"
    var routes = [
      Route(.get, "/v2", inference.server), Route(.get, "/v2/health/live", isOpen: true, inference.live),
      Route(.get, "/v2/health/ready", isOpen: true, inference.ready),
    ]
    for path in [model, model + "/versions/{version}"] {
      routes += [
        Route(.get, path, inference.model), Route(.get, path + "/ready", inference.modelReady),
        Route(.post, path + "/infer", inference.infer),
      ]
    }
    return routes
  }

  private static func ollama(_ services: Services) -> [Route] {
    let models = OllamaModels(services: services)
    let generate = OllamaGenerate(services: services)
    return [
      Route(.get, "/api/version", models.version), Route(.get, "/api/tags", models.tags),
      Route(.get, "/api/ps", models.running), Route(.post, "/api/show", models.show),
      Route(.post, "/api/generate", generate.generate), Route(.post, "/api/chat", generate.chat),
      Route(.post, "/api/embed", models.embed), Route(.post, "/api/embeddings", models.embedding),
      Route(.post, "/api/pull", models.refused), Route(.post, "/api/push", models.refused),
      Route(.post, "/api/create", models.refused), Route(.post, "/api/copy", models.refused),
      Route(.delete, "/api/delete", models.refused),
    ]
  }
}

/// Lets go of what nobody asked for, and looks at the shelf again when it is told to.
private struct Tidying: Service {
  let services: Services

  func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await reload() }
      group.addTask { await tidy() }
      await group.waitForAll()
    }
  }

  private func tidy() async {
    while !Task.isCancelled {
      do {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(5)) }
      } catch {
        return
      }
      let count = services.store.letGo(after: .seconds(services.settings.idleSeconds))
      guard count > 0 else { continue }
      services.looks.keepOnly(Set(services.store.open.map(\.0.digest)))
      services.logger.info("let go of nets", metadata: ["count": "\(count)"])
    }
  }

  private func reload() async {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    for await _ in signals.cancelOnGracefulShutdown() {
      services.store.reload()
      services.logger.notice("the shelf is looked at again")
    }
  }
}
