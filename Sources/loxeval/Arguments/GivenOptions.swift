import Support

/// The options of a command line, in their order, with their values.
struct GivenOptions {
  struct Item {
    let entry: OptionTable.Entry
    /// nil of flags, and where it is missing.
    let value: String?
    /// As it was written.
    let words: [String]

    /// As the parser takes it whatever the value begins with.
    var argument: String { "--\(entry.name)" + (value.map { "=\($0)" } ?? "") }
  }

  private(set) var items: [Item] = []
  /// What is no option of the command, as it was written.
  private(set) var others: [String] = []

  /// - Parameter arguments: behind the subcommand.
  init(_ arguments: some Sequence<String>, _ table: OptionTable) {
    var rest = Array(arguments)[...]
    while let word = rest.popFirst() {
      if word == "--" {
        others += [word] + rest
        return
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if word.hasPrefix("--"), let entry = table.entry(parts[0].dropFirst(2)) {
        take(entry, word, inline: parts.count > 1 ? String(parts[1]) : nil, &rest)
      } else if let letters = Self.letters(word, table) {
        // Of several letters behind one dash the last may take a value.
        for letter in letters.dropLast() {
          items.append(Item(entry: letter, value: nil, words: ["-\(letter.letter ?? "-")"]))
        }
        if let last = letters.last { take(last, "-\(last.letter ?? "-")", inline: nil, &rest) }
      } else {
        others.append(word)
      }
    }
  }

  private static func letters(_ word: String, _ table: OptionTable) -> [OptionTable.Entry]? {
    guard word.hasPrefix("-"), word.count > 1, !word.hasPrefix("--") else { return nil }
    let entries = word.dropFirst().map { table.entry($0) }
    return entries.contains(nil) ? nil : entries.compactMap(\.self)
  }

  private mutating func take(
    _ entry: OptionTable.Entry, _ word: String, inline: String?, _ rest: inout ArraySlice<String>
  ) {
    guard entry.takesValue, inline == nil else {
      items.append(Item(entry: entry, value: inline, words: [word]))
      return
    }
    // What begins with a dash is the next option.
    guard let next = rest.first, !next.hasPrefix("-") || next == "-" else {
      items.append(Item(entry: entry, value: nil, words: [word]))
      return
    }
    items.append(Item(entry: entry, value: rest.removeFirst(), words: [word, next]))
  }

  /// The values of an option.
  func values(of name: String) -> [String] {
    items.filter { $0.entry.name == name }.compactMap(\.value)
  }

  mutating func remove(_ isUnwanted: (Item) -> Bool) { items.removeAll(where: isUnwanted) }

  /// These options, and of others those that they do not name.
  func over(_ others: GivenOptions) -> GivenOptions {
    let named = Set(items.map(\.entry.name))
    var all = others
    all.remove { named.contains($0.entry.name) }
    all.items += items
    return all
  }
}
