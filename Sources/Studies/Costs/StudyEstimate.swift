import Support

/// How long a study takes on this machine, and what memory, as far as some seconds of measuring tell.
package struct StudyEstimate: Encodable, Sendable {
  /// One kind of work.
  package struct Part: Encodable, Sendable {
    package enum Kind: String, Encodable, Sendable {
      case digests, decomposition, trainings, servers, replies
    }

    package var kind: Kind
    package var seconds: Double
    /// Between which it is likely to be.
    package var least: Double
    package var most: Double
    /// How it comes about, in words.
    package var text: String

    /// - Parameters:
    ///   - spread: the share by which the measured may be off.
    ///   - most: what it can come to where more than measuring is in doubt.
    init(
      _ kind: Kind, seconds: Double, within spread: Double, most: Double? = nil, _ text: String
    ) {
      self.kind = kind
      self.seconds = seconds
      least = seconds * (1 - spread)
      self.most = max(seconds, most ?? 0) * (1 + spread)
      self.text = text
    }
  }

  package private(set) var parts: [Part] = []
  package private(set) var seconds = 0.0
  package private(set) var least = 0.0
  package private(set) var most = 0.0
  /// Peak of the process, in bytes; nil where other processes compute.
  package var memory: Int?
  /// What is there already, in words.
  package var leftOut: [String] = []
  /// What takes time that nobody measured, in words.
  package var untimed: [String] = []
  /// What measuring took.
  package var calibrationSeconds = 0.0

  enum CodingKeys: String, CodingKey {
    case parts, seconds, least, most, untimed
    case memory = "memory_bytes"
    case leftOut = "left_out"
    case calibrationSeconds = "calibration_seconds"
  }

  mutating func add(_ part: Part) {
    parts.append(part)
    seconds += part.seconds
    least += part.least
    most += part.most
  }

  /// As people read it.
  package var lines: [String] {
    func text(_ seconds: Double) -> String { Duration.text(seconds: seconds) }
    var lines = [
      "takes about \(text(seconds)) (\(text(least)) to \(text(most))), by what \(text(calibrationSeconds)) of "
        + "measuring showed:"
    ]
    lines += parts.map { "  \($0.kind.rawValue) \(text($0.seconds)): \($0.text)" }
    if let memory { lines.append("needs about \(Number.bytes(memory)) of memory at its peak") }
    lines += leftOut.map { "left out: \($0)" }
    lines += untimed.map { "not in it: \($0)" }
    return lines
  }
}
