import Foundation

/// Where a record stands in its file, counted from 1.
package enum RecordPlace: Hashable, Sendable, CustomStringConvertible {
  /// Of a file with a record on each line.
  case line(Int)
  /// Of a list.
  case entry(Int)

  package var description: String {
    switch self {
    case .line(let number): "line \(number)"
    case .entry(let number): "entry \(number)"
    }
  }
}

/// A file of JSON records: one on each line, a list of them, or an object around a list.
package enum RecordFile {
  package struct Record: Sendable {
    package let place: RecordPlace
    package let value: JSONNode
  }

  /// Why a file has no records.
  package enum Fault: Error, Equatable, CustomStringConvertible {
    case notText(InputFile.Fault)
    /// One line is not JSON; `offset` counts its bytes.
    case line(Int, reason: String, offset: Int, excerpt: String)
    /// The file as a whole is not JSON.
    case document(reason: String, offset: Int)

    package var description: String {
      switch self {
      case .notText(let fault): fault.reason
      case .line(let number, let reason, let offset, let excerpt):
        "line \(number) is not JSON at byte \(offset): \(reason); it begins \(excerpt)"
      case .document(let reason, let offset): "it is not JSON at byte \(offset): \(reason)"
      }
    }
  }

  /// The records of a file.
  ///
  /// - Parameter isRecord: whether an object is a record, rather than around a list of them.
  package static func records(
    of file: InputFile, isRecord: (JSONNode) -> Bool
  ) throws(Fault) -> [Record] {
    // Whether it is text is said before anything of what the text is.
    do throws(InputFile.Fault) {
      _ = try file.text()
    } catch {
      throw .notText(error)
    }
    let lines = file.lines
    guard let first = lines.first else { return [] }
    var records: [Record] = []
    do throws(JSONNode.SyntaxError) {
      let value = try JSONNode(parsing: [UInt8](first.bytes))
      if lines.count == 1 {
        return list(in: value, isRecord) ?? [Record(place: .line(first.number), value: value)]
      }
      records.append(Record(place: .line(first.number), value: value))
    } catch {
      // A value of several lines, or none.
      let document: JSONNode
      do throws(JSONNode.SyntaxError) {
        document = try JSONNode(parsing: [UInt8](file.body))
      } catch let whole {
        // A value that ends with the line would have been one of several lines.
        guard first.startsList || error.offset >= first.bytes.count else {
          throw malformed(first, error)
        }
        throw .document(reason: whole.reason, offset: whole.offset)
      }
      return list(in: document, isRecord) ?? [Record(place: .entry(1), value: document)]
    }
    for line in lines.dropFirst() {
      do throws(JSONNode.SyntaxError) {
        records.append(
          Record(place: .line(line.number), value: try JSONNode(parsing: [UInt8](line.bytes))))
      } catch {
        throw malformed(line, error)
      }
    }
    return records
  }

  /// The entries of a list, or of the only list of an object that is no record itself.
  private static func list(in value: JSONNode, _ isRecord: (JSONNode) -> Bool) -> [Record]? {
    var elements = value.elements
    if elements != nil, value.isConversation { elements = nil }
    if let members = value.members, !isRecord(value) {
      let lists = members.compactMap(\.value.elements)
      if lists.count == 1 { elements = lists[0] }
    }
    return elements?.enumerated().map { Record(place: .entry($0 + 1), value: $1) }
  }

  private static func malformed(
    _ line: InputFile.Line, _ error: JSONNode.SyntaxError
  ) -> Fault {
    .line(
      line.number, reason: error.reason, offset: error.offset,
      excerpt: String(decoding: line.bytes.prefix(80), as: UTF8.self))
  }
}

extension InputFile.Line {
  /// Whether a value begins here that is a list.
  fileprivate var startsList: Bool { bytes.first { $0 > 0x20 } == UInt8(ascii: "[") }
}

extension JSONNode {
  /// A list of messages, which is one record and no list of records.
  fileprivate var isConversation: Bool {
    guard let first = elements?.first?.members else { return false }
    return first.contains { $0.key == "role" || $0.key == "from" }
  }
}
