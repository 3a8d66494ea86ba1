package import Support

/// The t of a landscape, as `--strength` spells them: multiples of the attack.
package struct StrengthList: Hashable, Sendable {
  /// Ascending, each once.
  package let values: [Double]

  /// Backwards an attack attacks nothing, and far beyond itself it is noise.
  package static let range = NumberRange(0.0...100.0)
  package static let standard = "0..1.5"

  /// - Parameter text: as `AlphaList` reads it.
  package init(parsing text: String) throws(StudyError) {
    do {
      values = try AlphaList(parsing: text).values
    } catch {
      guard case .invalidAlphas(_, let reason) = error else { throw error }
      throw .invalidStrengths(text: text, reason: reason)
    }
    if let value = values.first(where: { !Self.range.contains($0) }) {
      throw .invalidStrengths(text: text, reason: "found \(Number.text(value))")
    }
    guard values.last != 0 else {
      throw .invalidStrengths(text: text, reason: "found no value above 0")
    }
  }

  package init(values: [Double]) { self.values = values }
}

/// The shape of a landscape's grid, as `--grid` spells it: `7x7`, so many α and so many t.
package struct GridSize: Hashable, Sendable {
  package let alphas: Int
  package let strengths: Int

  package static let range = NumberRange(2...101)

  package init?(parsing text: String) {
    let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let alphas = try? Self.range.read(parts[0]),
      let strengths = try? Self.range.read(parts[1])
    else { return nil }
    self.alphas = alphas
    self.strengths = strengths
  }

  /// So many values between the first and the last of a list, evenly, rounded to six decimals.
  package static func spread(_ values: [Double], count: Int) -> [Double] {
    guard let first = values.first, let last = values.last, count > 1 else { return values }
    return (0..<count).map { index in
      let value = first + (last - first) * Double(index) / Double(count - 1)
      return (value * 1e6).rounded() / 1e6
    }
  }
}
