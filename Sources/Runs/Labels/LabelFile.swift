package import Foundation
import StudyDesign
import Support

/// A file of labels of one run's replies.
package struct LabelFile: Sendable {
  package let url: URL
  /// In the order in which they were given.
  package private(set) var labels: [RunLabel]
  /// As the file was last read or written; nil where there is none yet.
  private var data: Data?

  /// Reads the labels of a run, or begins a file of them.
  ///
  /// - Throws: `LabelError` where they are not labels of this run's replies.
  package init(
    _ url: URL, of run: StoredRun, mayBeMissing: Bool = false
  ) throws(LabelError) {
    self.url = url
    labels = []
    let input: InputFile
    do throws(InputFile.Fault) {
      if mayBeMissing {
        guard let found = try InputFile.ifPresent(url, .records) else { return }
        input = found
      } else {
        input = try InputFile(url, .records)
      }
    } catch {
      throw .unreadable(path: url.path, reason: error.reason)
    }
    data = input.data
    let identity = run.manifest.identity
    let lines = input.lines
    guard !lines.isEmpty else {
      guard mayBeMissing else { throw .empty(path: url.path) }
      return
    }
    if let found = Self.otherFile(input.body) { throw .notLabels(path: url.path, found: found) }
    var seen: Set<Sample.Key> = []
    for line in lines {
      let place = "\(url.path), line \(line.number)"
      guard let label = try? JSONDecoder().decode(RunLabel.self, from: line.bytes) else {
        let isLabelled = (try? JSONDecoder().decode(LabelledLine.self, from: line.bytes)) != nil
        throw .notLabels(
          path: place,
          found: isLabelled
            ? "a labelled reply that does not say which run's it is"
            : "\"\(PrintableText.line(String(decoding: line.bytes.prefix(80), as: UTF8.self)))\"")
      }
      guard label.run == identity else { throw .anotherRun(path: place) }
      guard let outcome = run.outcomes[label.key] else {
        throw .unknownReply(path: place, reply: "\(label.id) of \(label.cell)")
      }
      let sample: Sample
      do throws(RunError) {
        sample = try run.sample(outcome)
      } catch {
        throw .unreadable(path: run.url.path, reason: "\(error)")
      }
      guard sample.responseDigest == label.responseDigest, sample.prompt == label.prompt else {
        throw .changedReply(path: place, reply: "\(label.id) of \(label.cell)")
      }
      guard seen.insert(label.key).inserted else {
        throw .duplicate(path: place, reply: "\(label.id) of \(label.cell)")
      }
      labels.append(label)
    }
  }

  /// A reply with a label, of whatever file.
  private struct LabelledLine: Decodable {
    var response: String
    var label: String
  }

  /// What a file is that is one JSON value over several lines; nil where it is none.
  private static func otherFile(_ body: Data) -> String? {
    guard let node = try? JSONNode(parsing: [UInt8](body)) else { return nil }
    if node["judges"] != nil { return "a judge-check's result" }
    return node.elements == nil ? nil : "a JSON list"
  }

  /// Sets a reply's label, or takes it away, and writes the file: whole, or not at all.
  ///
  /// - Throws: `LabelError.changed` where someone else wrote the file meanwhile.
  package mutating func set(
    _ answer: RunLabel.Answer, of sample: Sample, run: String
  ) throws {
    let label = RunLabel(answer, of: sample, run: run)
    if let place = labels.firstIndex(where: { $0.key == label.key }) {
      labels[place] = label
    } else {
      labels.append(label)
    }
    guard try InputFile.ifPresent(url, .records)?.data == data else {
      throw LabelError.changed(path: url.path)
    }
    let lines = try labels.reduce(into: Data()) {
      $0.append(try StableJSON.encode($1))
      $0.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(lines, to: url)
    data = lines
  }
}

/// Why labels cannot be used for a run.
package enum LabelError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case empty(path: String)
  case notLabels(path: String, found: String)
  case anotherRun(path: String)
  case unknownReply(path: String, reply: String)
  case changedReply(path: String, reply: String)
  case duplicate(path: String, reply: String)
  case changed(path: String)
  /// The run has no reply to a harmful prompt.
  case nothingToLabel(path: String)
  /// Nothing is corrected, for these reasons.
  case nothingCorrected([String])

  /// What to do instead of using labels of elsewhere.
  private static let instead =
    "a judge errs otherwise on other models' replies, so label some of this run's with loxeval label "
    + "RUN, and give loxeval report RUN --correct that file"

  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .empty(let path): "\(path): expected labels of the run's replies, found none"
    case .notLabels(let path, let found):
      "\(path): expected labels of this run's own replies, found \(found); \(Self.instead)"
    case .anotherRun(let path):
      "\(path): expected a label of this run's own replies, found one of another run's; \(Self.instead)"
    case .unknownReply(let path, let reply):
      "\(path): expected a label of a reply of the run, found one of \(reply), which it does not have"
    case .changedReply(let path, let reply):
      "\(path): the label of \(reply) was given to another reply than the run's; the file or "
        + "samples.jsonl was edited: restore them, or label anew"
    case .duplicate(let path, let reply):
      "\(path): expected one label for each reply, found a second of \(reply)"
    case .changed(let path):
      "\(path): another process has written this file; nothing of it was overwritten: go on when that "
        + "one is done, or name another --output"
    case .nothingToLabel(let path):
      "\(path): expected replies to harmful prompts to label, found none"
    case .nothingCorrected(let reasons):
      "no rate can be corrected: \(reasons.joined(separator: "; "))"
    }
  }
}
