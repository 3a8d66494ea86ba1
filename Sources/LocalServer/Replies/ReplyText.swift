/// Turns a stream of decoded text into what may be sent: ends at the first stop string, and holds
/// back text that could still become one.
struct ReplyText {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []
  /// Whether a stop string was met; nothing follows it.
  private(set) var isStopped = false

  init(stops: [String]) {
    self.stops = stops.map { Array($0.utf8) }
  }

  /// Takes newly decoded text; returns the part that is certain.
  mutating func append(_ text: String) -> String {
    guard !isStopped else { return "" }
    guard !stops.isEmpty else { return text }
    held += text.utf8
    if let start = firstStop() {
      isStopped = true
      defer { held = [] }
      return String(decoding: held[..<start], as: UTF8.self)
    }
    var keep = 0
    for stop in stops {
      for length in stride(from: min(stop.count - 1, held.count), to: keep, by: -1)
      where held.suffix(length).elementsEqual(stop.prefix(length)) {
        keep = length
        break
      }
    }
    let certain = String(decoding: held.dropLast(keep), as: UTF8.self)
    held = held.suffix(keep)
    return certain
  }

  /// The text held back, once nothing more will come.
  mutating func finish() -> String {
    defer { held = [] }
    return isStopped ? "" : String(decoding: held, as: UTF8.self)
  }

  private func firstStop() -> Int? {
    held.indices.first { start in
      stops.contains { held[start...].starts(with: $0) }
    }
  }
}
