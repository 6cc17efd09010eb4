import CoreMetrics
import Synchronization

/// swift-metrics' numbers, those of libraries too, as Prometheus' series.
struct PrometheusFactory: MetricsFactory {
  let text: PrometheusText

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Handler(text: text, name: label.hasSuffix("_total") ? label : label + "_total", labels: dimensions)
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    Recording(handler: Handler(text: text, name: label, labels: dimensions), isAggregate: aggregate)
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    Handler(text: text, name: label, labels: dimensions)
  }

  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}

  private final class Handler: CounterHandler, TimerHandler {
    let text: PrometheusText
    let name: String
    let labels: [(String, String)]

    init(text: PrometheusText, name: String, labels: [(String, String)]) {
      (self.text, self.name, self.labels) = (text, name, labels)
    }

    func increment(by amount: Int64) { text.add(Double(amount), to: name, labels, help: "") }
    func reset() { text.set(0, of: name, labels, help: "", .counter) }
    func recordNanoseconds(_ duration: Int64) { text.observe(Double(duration) / 1e9, in: name, labels, help: "") }
  }

  private final class Recording: RecorderHandler {
    let handler: Handler
    let isAggregate: Bool

    init(handler: Handler, isAggregate: Bool) { (self.handler, self.isAggregate) = (handler, isAggregate) }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
      if isAggregate {
        handler.text.observe(value, in: handler.name, handler.labels, help: "")
      } else {
        handler.text.set(value, of: handler.name, handler.labels, help: "")
      }
    }
  }
}
