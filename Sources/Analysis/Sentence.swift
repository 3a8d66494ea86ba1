/// A piece of a sentence; what it says is escaped by whoever renders it.
package enum Phrase: Equatable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  case text(String)
  case strong(String)
  case emphasis(String)
  case code(String)

  package init(stringLiteral value: String) { self = .text(value) }
}

package typealias Sentence = [Phrase]
