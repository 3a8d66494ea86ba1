import Foundation
import Support

/// When a server says that it may be asked again: in a header of one kind or another, or in its body.
enum RateLimitHint {
  /// Seconds from now; nil where it does not say.
  ///
  /// - Parameters:
  ///   - headers: by lower-case name.
  ///   - body: the response's, where it is JSON.
  static func seconds(
    headers: [String: String], body: JSONNode? = nil, now: Date = .now
  ) -> Double? {
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
      if let value = headers[name].flatMap(number) { return value / 1_000 }
    }
    if let text = headers["retry-after"], let value = RetryPolicy.seconds(of: text, now: now) {
      return value
    }
    if let value = reset(headers, now: now) { return value }
    return body.flatMap { told(in: $0, now: now) }
  }

  private static func number(_ text: String) -> Double? {
    Double(text).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
  }

  // MARK: - Headers

  /// Of the limits that are used up where the server tells which are, else of all.
  private static func reset(_ headers: [String: String], now: Date) -> Double? {
    var all: [Double] = []
    var exhausted: [Double] = []
    for (name, value) in headers where name.contains("ratelimit") && name.contains("reset") {
      guard let seconds = moment(value, now: now) else { continue }
      all.append(seconds)
      let remaining = headers[name.replacingOccurrences(of: "reset", with: "remaining")]
      if remaining.flatMap(number) == 0 { exhausted.append(seconds) }
    }
    return exhausted.max() ?? all.max()
  }

  /// A time as servers write them: `6m0s`, `20ms`, seconds, a Unix time in seconds or milliseconds, or
  /// a date.
  static func moment(_ text: String, now: Date) -> Double? {
    let text = text.trimmingCharacters(in: .whitespaces)
    if let value = number(text) {
      switch value {
      case 1e11...: return max(0, value / 1_000 - now.timeIntervalSince1970)
      case 1e8...: return max(0, value - now.timeIntervalSince1970)
      default: return value
      }
    }
    if let value = duration(text) { return value }
    for style in [Date.ISO8601FormatStyle(), .init(includingFractionalSeconds: true)] {
      if let date = try? style.parse(text) { return max(0, date.timeIntervalSince(now)) }
    }
    return RetryPolicy.seconds(of: text, now: now)
  }

  /// `1h2m3.5s`, `7.66s`, `120ms`; nil where the text is anything else.
  static func duration(_ text: String) -> Double? {
    let units: [String: Double] = ["d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001]
    var total = 0.0
    var rest = text[...]
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let value = Double(digits), let factor = units[String(unit)] else { return nil }
      total += value * factor
    }
    return total
  }

  // MARK: - Bodies

  /// `retryDelay`, headers that a gateway passes on inside the body, and "try again in 20s".
  private static func told(in node: JSONNode, now: Date, depth: Int = 0) -> Double? {
    guard depth < 8 else { return nil }
    switch node {
    case .object(let members):
      for member in members.prefix(64) {
        let key = member.key.lowercased()
        if ["retrydelay", "retry_after", "retry_after_seconds"].contains(key) {
          let text = member.value.text ?? member.value.double.map { "\($0)" } ?? ""
          if let seconds = moment(text, now: now) { return seconds }
        }
        if key == "headers", let headers = member.value.members {
          let values = headers.map { ($0.key.lowercased(), $0.value.text ?? $0.value.serialized) }
          let passed = Dictionary(values, uniquingKeysWith: { first, _ in first })
          if let seconds = seconds(headers: passed, now: now) { return seconds }
        }
        if let seconds = told(in: member.value, now: now, depth: depth + 1) { return seconds }
      }
    case .array(let elements):
      for element in elements.prefix(32) {
        if let seconds = told(in: element, now: now, depth: depth + 1) { return seconds }
      }
    case .string(let text):
      let words = text.prefix(2_000).lowercased()
      for mark in ["try again in ", "retry in ", "retry after ", "again after "] {
        guard let found = words.range(of: mark) else { continue }
        let said = words[found.upperBound...].split(separator: " ", maxSplits: 2).map(String.init)
        guard let first = said.first else { continue }
        let plain = String(first.reversed().drop { ".,)".contains($0) }.reversed())
        if let seconds = duration(plain) { return seconds }
        guard let value = number(plain), let unit = said.dropFirst().first else { continue }
        for (word, factor) in [
          ("sec", 1.0), ("min", 60), ("hour", 3_600), ("ms", 0.001), ("milli", 0.001),
        ]
        where unit.hasPrefix(word) { return value * factor }
      }
    default:
      break
    }
    return nil
  }
}
