package import Foundation
import StudyDesign
import Support
import Synchronization

/// Where whole samples are read again, when somebody needs their texts.
package protocol SampleSource: Sendable {
  func sample(at position: SamplePosition) throws(RunError) -> Sample
  /// A sample's line of the journal as it stands, without its end.
  func line(at position: SamplePosition) throws(RunError) -> Data
}

/// Journals of a run, of which single lines are read again.
final class JournalFiles: SampleSource {
  private final class OpenFile {
    let number: Int
    let file: RegularFile

    init(_ number: Int, _ file: consuming RegularFile) {
      self.number = number
      self.file = file
    }
  }

  /// The journal that was read last, and a piece of it: lines are mostly asked for in the order in which they
  /// stand.
  private struct State {
    var open: OpenFile?
    var piece = Data()
    var start = 0
  }

  private let files: [URL]
  private let lines: JournalLines
  private let state = Mutex(State())

  private static let pieceSize = 65_536

  init(_ files: [URL], _ lines: JournalLines) {
    self.files = files
    self.lines = lines
  }

  func sample(at position: SamplePosition) throws(RunError) -> Sample {
    guard let sample = lines.sample(try line(at: position)) else {
      throw changed(position)
    }
    return sample
  }

  func line(at position: SamplePosition) throws(RunError) -> Data {
    let url = files[position.file]
    do throws(RegularFile.Fault) {
      let line = try state.withLock { state throws(RegularFile.Fault) -> Data in
        try Self.line(of: url, at: position, &state)
      }
      if !line.isEmpty { return line }
    } catch {
      throw .unreadable(path: url.path, reason: error.reason)
    }
    throw changed(position)
  }

  private func changed(_ position: SamplePosition) -> RunError {
    .unreadable(
      path: files[position.file].path,
      reason:
        "a sample that stood at byte \(position.offset) is not there any more: it was changed meanwhile"
    )
  }

  private static func line(
    of url: URL, at position: SamplePosition, _ state: inout State
  ) throws(RegularFile.Fault) -> Data {
    let open: OpenFile
    if let known = state.open, known.number == position.file {
      open = known
    } else {
      open = OpenFile(position.file, try RegularFile(url.path))
      state.open = open
      state.piece = Data()
    }
    let within = position.offset - state.start
    if within >= 0, within < state.piece.count,
      let end = StreamedLines.lineFeed(in: state.piece, within..<state.piece.count)
    {
      return state.piece.subdata(in: within..<end)
    }
    var size = pieceSize
    while true {
      state.piece = try open.file.read(from: position.offset, count: size)
      state.start = position.offset
      if let end = StreamedLines.lineFeed(in: state.piece, 0..<state.piece.count) {
        return state.piece.subdata(in: 0..<end)
      }
      // The file ends before the line does.
      guard state.piece.count == size else { return Data() }
      size *= 2
    }
  }
}
