extension JSONNode {
  /// Why a number has no JSON.
  package struct NotFinite: Error, Equatable, CustomStringConvertible {
    package let number: Double

    package var description: String { "expected a finite number, found \(number)" }
  }

  /// A text; null where there is none.
  package static func text(_ text: String?) -> JSONNode { text.map { .string($0) } ?? .null }

  /// An integer; null where there is none.
  package static func integer(_ number: Int?) -> JSONNode {
    number.map { .number(String($0)) } ?? .null
  }

  /// A number by the fewest digits that read back as the same, without a fraction where it is whole, as
  /// `StableJSON` writes it; null where there is none.
  package static func shortest(_ number: Double?) throws(NotFinite) -> JSONNode {
    guard let number else { return .null }
    guard number.isFinite else { throw NotFinite(number: number) }
    let digits = number.description
    return .number(digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits)
  }

  /// An object without members that are null: what a reader need not have a value for.
  package static func known(_ members: [(String, JSONNode)]) -> JSONNode {
    .object(
      members.compactMap { key, value in
        if case .null = value { nil } else { Member(key: key, value: value) }
      })
  }

  /// An integer, also where it is written as `2.0` or `1e3`.
  package var wholeNumber: Int? { integer ?? double.flatMap { Int(exactly: $0) } }
}
