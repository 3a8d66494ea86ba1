extension Duration {
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  package var milliseconds: Double {
    Double(components.seconds) * 1_000 + Double(components.attoseconds) * 1e-15
  }

  /// As people say it: 42 s, 3 min 5 s, 5 h 12 min, 3 d 4 h.
  ///
  /// - Parameter seconds: rounded to whole ones; what no clock counts is "over a year".
  package static func text(seconds: Double) -> String {
    guard seconds < 366 * 86_400 else { return "over a year" }
    let whole = Int(max(0, seconds).rounded())
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3_600: return "\(whole / 60) min \(whole % 60) s"
    case ..<86_400: return "\(whole / 3_600) h \(whole / 60 % 60) min"
    default: return "\(whole / 86_400) d \(whole / 3_600 % 24) h"
    }
  }
}
