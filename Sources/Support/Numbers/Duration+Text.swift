extension Duration {
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  package var milliseconds: Double {
    Double(components.seconds) * 1_000 + Double(components.attoseconds) * 1e-15
  }

  /// As people say it: 42 s, 3 min 5 s.
  ///
  /// - Parameter seconds: rounded to whole ones.
  package static func text(seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }
}
