import Foundation

/// Lists of the command line whose items may be paths, and paths with a number behind them: both have
/// marks that a path may hold too. What is there wins over what a mark could mean.
package enum PathList {
  /// The items of a list with commas between them, without the blanks around each.
  ///
  /// - Parameters:
  ///   - text: commas between quotation marks belong to the item, which loses the marks.
  ///   - prefixes: what stands before a path. The item goes on over commas as far as the longest path
  ///     that leads to something.
  package static func items(of text: String, prefixes: [String]) -> [String] {
    let pieces = pieces(of: text)
    var items: [String] = []
    var next = 0
    while next < pieces.count {
      let item = pieces[next].text.trimmingCharacters(in: .whitespaces)
      var taken = 1
      if !pieces[next].isQuoted, let prefix = prefixes.first(where: { item.hasPrefix($0) }) {
        for count in stride(from: pieces.count - next, to: 1, by: -1) {
          let joined = pieces[next..<next + count].map(\.text).joined(separator: ",")
            .trimmingCharacters(in: .whitespaces)
          guard FileManager.default.fileExists(atPath: String(joined.dropFirst(prefix.count)))
          else { continue }
          items.append(joined)
          taken = count
          break
        }
      }
      if taken == 1 { items.append(item) }
      next += taken
    }
    return items
  }

  /// What stands between commas that no quotation marks protect.
  private static func pieces(of text: String) -> [(text: String, isQuoted: Bool)] {
    // A mark that is not closed is part of a name.
    let protects = text.count { $0 == "\"" } % 2 == 0
    var pieces = [(text: "", isQuoted: false)]
    var isInside = false
    for character in text {
      if character == "\"" && protects {
        isInside.toggle()
        pieces[pieces.count - 1].isQuoted = true
      } else if character == "," && !isInside {
        pieces.append((text: "", isQuoted: false))
      } else {
        pieces[pieces.count - 1].text.append(character)
      }
    }
    return pieces
  }

  /// A path and the number behind its last colon; nil where that is none.
  ///
  /// - Returns: the whole text and no number where something of that name is there, or where no number
  ///   follows; nil where what follows is a number that is not finite, or where only the path before the
  ///   colon leads to something: the number was meant, and is none.
  package static func scaled(_ text: String) -> (path: String, scale: Double?)? {
    func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
    guard !isThere(text), let colon = text.lastIndex(of: ":") else { return (text, nil) }
    let path = String(text[..<colon])
    guard let scale = Double(text[text.index(after: colon)...]) else {
      return isThere(path) ? nil : (text, nil)
    }
    return scale.isFinite ? (path, scale) : nil
  }
}
