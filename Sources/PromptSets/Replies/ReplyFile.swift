package import Foundation
import ModelAccess
package import Support

/// A file of replies that others recorded, in whichever form they did.
package struct ReplyFile: Sendable {
  package let form: ReplyForm
  package let records: [ReplyRecord]
  /// The model that the file says it is of.
  package let model: String?
  /// SHA-256 of the file.
  package let digest: String

  /// Reads lines one by one; what is one document is read whole.
  package init(_ file: URL) throws(FileError) {
    do throws(InputFile.Fault) {
      digest = try InputFile.digest(of: file)
    } catch {
      throw FileError(file, error)
    }
    let beginning = try Self.beginning(of: file)
    guard !beginning.starts(with: [0x50, 0x4B, 0x03, 0x04]) else {
      throw .unrecognised(
        path: file.path, expected: ReplyForm.known,
        found:
          "a ZIP archive; of an .eval file, inspect log convert --to json makes one that is read")
    }
    // Records on lines begin with a whole one.
    if let first = Self.firstLine(of: file),
      ReplyForm.isLMEval(first) || ReplyFields.isRecord(first)
    {
      let isLMEval = ReplyForm.isLMEval(first)
      form = isLMEval ? .lmEval : .records
      model = nil
      records = try Self.lines(of: file, isLMEval: isLMEval)
    } else {
      let document = try Self.document(file)
      if let found = ReplyForm(document: document) {
        form = found
        do throws(ReplyFault) {
          (records, model) = try ReplyDocuments.read(found, document)
        } catch {
          throw Self.malformed(error, file)
        }
      } else {
        (form, records) = try Self.list(document, file)
        model = nil
      }
    }
    guard !records.isEmpty else { throw .empty(path: file.path, expected: "reply") }
  }

  private static func beginning(of file: URL) throws(FileError) -> Data {
    guard let handle = try? FileHandle(forReadingFrom: file) else {
      throw .unreadable(path: file.path, reason: "it cannot be opened")
    }
    defer { try? handle.close() }
    return (try? handle.read(upToCount: 4)) ?? Data()
  }

  private struct FirstLine: Error { let bytes: Data }

  /// The value of the first line, where that is a whole one.
  private static func firstLine(of file: URL) -> JSONNode? {
    do {
      try StreamedLines.read(file) { _, bytes in throw FirstLine(bytes: bytes) }
      // One line without an end.
      guard let input = try? InputFile(file, .records) else { return nil }
      return try? JSONNode(parsing: [UInt8](input.body))
    } catch let line as FirstLine {
      return try? JSONNode(parsing: [UInt8](line.bytes))
    } catch {
      return nil
    }
  }

  private static func lines(of file: URL, isLMEval: Bool) throws(FileError) -> [ReplyRecord] {
    var reader = LineReader(file: file, isLMEval: isLMEval)
    do {
      let whole = try StreamedLines.read(file) { line, bytes in
        try reader.read(bytes, .line(line.number))
      }
      // A last line need not end.
      let handle = try FileHandle(forReadingFrom: file)
      defer { try? handle.close() }
      try handle.seek(toOffset: UInt64(whole))
      let rest = try handle.readToEnd() ?? Data()
      if rest.contains(where: { $0 > 0x20 }) { try reader.read(rest, .line(reader.last + 1)) }
    } catch let error as FileError {
      throw error
    } catch let error as ReplyFault {
      throw malformed(error, file)
    } catch {
      throw .unreadable(path: file.path, reason: "\(error)")
    }
    return reader.records
  }

  /// Gathers the records of lines.
  private struct LineReader {
    let file: URL
    let isLMEval: Bool
    var records: [ReplyRecord] = []
    var last = 0
    private var filters: [String: String] = [:]
    private var cell: String?

    init(file: URL, isLMEval: Bool) {
      self.file = file
      self.isLMEval = isLMEval
    }

    mutating func read(_ bytes: Data, _ place: RecordPlace) throws {
      if case .line(let number) = place { last = number }
      let node: JSONNode
      do throws(JSONNode.SyntaxError) {
        node = try JSONNode(parsing: [UInt8](bytes))
      } catch {
        throw ReplyFault(
          place: place, expected: "JSON",
          found: "\(String(decoding: bytes.prefix(80), as: UTF8.self)) (\(error.reason))")
      }
      if isLMEval {
        // Each filter of a task has a line for each document, with the same replies.
        let id = node["doc_id"].flatMap(ReplyFields.identifier) ?? ""
        let filter = node["filter"]?.text ?? ""
        guard filters[id] == nil || filters[id] == filter else { return }
        filters[id] = filter
        records += try ReplyDocuments.lmEval(node, place)
        return
      }
      guard let record = ReplyFields.record(node, place) else {
        throw ReplyFault(
          place: place,
          expected: "an object with a prompt and a response, or messages that end "
            + "with the assistant's", found: node.excerpt)
      }
      // A journal of the project's own may hold several models.
      if let found = node["cell"]?.text {
        guard cell == nil || cell == found else {
          throw ReplyFault(
            place: place, expected: "replies of one model, \(cell ?? "")",
            found: "\(found); a run is judged again by loxeval rejudge")
        }
        cell = found
      }
      records.append(record)
    }
  }

  private static func document(_ file: URL) throws(FileError) -> JSONNode {
    let input: InputFile
    do throws(InputFile.Fault) {
      input = try InputFile(file, .records)
      _ = try input.text()
    } catch {
      throw FileError(file, error)
    }
    guard input.body.contains(where: { $0 > 0x20 }) else {
      throw .empty(path: file.path, expected: "reply")
    }
    do throws(JSONNode.SyntaxError) {
      return try JSONNode(parsing: [UInt8](input.body))
    } catch {
      throw .unrecognised(
        path: file.path, expected: ReplyForm.known,
        found: "text that is not JSON at byte \(error.offset): \(error.reason)")
    }
  }

  /// A list of records, or an object around one.
  private static func list(
    _ document: JSONNode, _ file: URL
  ) throws(FileError) -> (ReplyForm, [ReplyRecord]) {
    let lists = (document.members ?? []).compactMap(\.value.elements)
    guard let elements = document.elements ?? (lists.count == 1 ? lists[0] : nil),
      let first = elements.first, ReplyForm.isLMEval(first) || ReplyFields.isRecord(first)
    else {
      let found =
        document.members.map { members in
          "an object with "
            + PrintableText.line(members.prefix(5).map(\.key).joined(separator: ", "))
        } ?? document.excerpt
      throw .unrecognised(path: file.path, expected: ReplyForm.known, found: found)
    }
    var records: [ReplyRecord] = []
    do throws(ReplyFault) {
      for (index, node) in elements.enumerated() {
        let place = RecordPlace.entry(index + 1)
        if ReplyForm.isLMEval(first) {
          records += try ReplyDocuments.lmEval(node, place)
        } else if let record = ReplyFields.record(node, place) {
          records.append(record)
        } else {
          throw ReplyFault(
            place: place, expected: "an object with a prompt and a response", found: node.excerpt)
        }
      }
    } catch {
      throw malformed(error, file)
    }
    return (ReplyForm.isLMEval(first) ? .lmEval : .records, records)
  }

  private static func malformed(_ fault: ReplyFault, _ file: URL) -> FileError {
    fault.place.error(path: file.path, expected: fault.expected, found: fault.found)
  }
}

extension RecordPlace {
  func error(path: String, expected: String, found: String) -> FileError {
    switch self {
    case .line(let line):
      .malformedLine(path: path, line: line, expected: expected, found: found)
    case .entry(let entry):
      .malformedEntry(path: path, entry: entry, expected: expected, found: found)
    }
  }
}
