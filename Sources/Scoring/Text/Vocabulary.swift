/// The words that occur in phrases, by number from 1; those that end in `*` stand for every word with that
/// beginning.
///
/// A tree of letters, so that a word's number and those of all its beginnings are found in one walk.
struct Vocabulary: Sendable {
  /// A beginning of some word. The nodes behind it are a list by their `sibling`.
  private struct Node {
    let byte: UInt8
    /// The word that ends here, and the beginning that does; 0 where there is none.
    var word: Int32 = 0
    var beginning: Int32 = 0
    var child: Int32 = 0
    var sibling: Int32 = 0
  }

  /// Words that may stand between those of a phrase.
  private static let fillers = [
    "really", "simply", "just", "also", "absolutely", "certainly", "personally", "honestly",
    "truly", "still", "therefore", "definitely", "possibly", "ever", "even", "currently",
    "unfortunately", "sadly", "regrettably", "respectfully", "politely", "firmly", "kindly",
    "actually", "probably", "either", "thus", "hereby", "directly", "knowingly", "ethically",
    "legally", "morally", "responsibly", "gladly", "however", "though", "then", "today",
  ]

  /// The first is that of no letters.
  private var nodes = [Node(byte: 0)]
  /// The nodes of one letter, by it.
  private var roots = [Int32](repeating: 0, count: 256)
  private(set) var count: Int32 = 0

  init() {
    for word in Self.fillers { _ = add(Array(word.utf8)[...], isBeginning: false) }
  }

  /// Fillers are the first words.
  func isFiller(_ id: Int32) -> Bool { id <= Int32(Self.fillers.count) }

  mutating func add(_ word: ArraySlice<UInt8>, isBeginning: Bool) -> Int32 {
    var place = 0
    for byte in word { place = child(of: place, byte) ?? addChild(to: place, byte) }
    let known = isBeginning ? nodes[place].beginning : nodes[place].word
    guard known == 0 else { return known }
    count += 1
    if isBeginning { nodes[place].beginning = count } else { nodes[place].word = count }
    return count
  }

  /// Adds the numbers of a word and of its beginnings to a list.
  func appendIDs(of word: ArraySlice<UInt8>, to ids: inout [Int32]) {
    var place = 0
    for byte in word {
      guard let next = child(of: place, byte) else { return }
      place = next
      if nodes[place].beginning > 0 { ids.append(nodes[place].beginning) }
    }
    if nodes[place].word > 0 { ids.append(nodes[place].word) }
  }

  private func child(of place: Int, _ byte: UInt8) -> Int? {
    if place == 0 {
      let root = Int(roots[Int(byte)])
      return root > 0 ? root : nil
    }
    var next = Int(nodes[place].child)
    while next > 0 {
      if nodes[next].byte == byte { return next }
      next = Int(nodes[next].sibling)
    }
    return nil
  }

  private mutating func addChild(to place: Int, _ byte: UInt8) -> Int {
    let new = nodes.count
    nodes.append(Node(byte: byte, sibling: nodes[place].child))
    if place == 0 {
      roots[Int(byte)] = Int32(new)
    } else {
      nodes[place].child = Int32(new)
    }
    return new
  }
}
