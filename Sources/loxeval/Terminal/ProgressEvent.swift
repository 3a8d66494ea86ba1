import Foundation
import Support

/// How progress is told.
enum ProgressForm: String, CaseIterable {
  /// For people: a bar on a terminal, lines elsewhere.
  case text
  /// For programs: everything on stderr is a JSON object a line.
  case json
}

/// A line of `--progress json`. What is nil is left out.
struct ProgressEvent: Encodable, Equatable {
  enum Kind: String, Encodable {
    case step, progress, note, warning, error, end
  }

  var event: Kind
  /// ISO 8601, in UTC.
  var time = Date.now.formatted(.iso8601)
  /// Of steps and what is said, in words for people.
  var text: String?
  /// What is counted, such as `samples` or `steps` of a training.
  var what: String?
  var done: Int?
  var total: Int?
  /// Of what is left at the rate so far, in seconds, and that rate; nil at first.
  var secondsLeft: Double?
  /// Of a training: what is left of the whole study, by its trainings and replies so far.
  var studySecondsLeft: Double?
  var perSecond: Double?
  /// Of samples: failed requests, and the cell of the newest one.
  var errors: Int?
  var cell: String?
  /// Of a training: the last step's loss, and tokens a second.
  var loss: Double?
  var tokensPerSecond: Double?
  /// Of `end`: the exit code.
  var status: Int?

  init(_ event: Kind, text: String? = nil) {
    self.event = event
    self.text = text
  }

  enum CodingKeys: String, CodingKey {
    case event, time, text, what, done, total, errors, cell, loss, status
    case secondsLeft = "seconds_left"
    case studySecondsLeft = "study_seconds_left"
    case perSecond = "per_second"
    case tokensPerSecond = "tokens_per_second"
  }

  /// In one line, which can hide nothing from who reads it on a terminal.
  var line: String {
    // Nothing of it can fail to encode: a loss that is no number is left out.
    guard let data = try? StableJSON.encode(self) else { return "" }
    return PrintableText.line(String(decoding: data, as: UTF8.self))
  }
}

/// When counted work is told to programs: at its beginning, its end and once a second, with its pace. A value without
/// clock or stream: both are its caller's.
struct ProgressPulse {
  static let interval = Duration.seconds(1)

  private struct Count: Equatable {
    var what: String
    var total: Int
  }

  private var count: Count?
  private var startedAt: Duration = .zero
  private var startedDone = 0
  private var lastDone = 0
  private var lastTold: Duration = .zero

  /// - Returns: the event, nil where nothing is to be told yet.
  mutating func update(
    _ what: String, done: Int, of total: Int, at now: Duration
  ) -> ProgressEvent? {
    guard total > 0, done >= 0 else { return nil }
    let isNew = count != Count(what: what, total: total) || done < lastDone
    if isNew {
      count = Count(what: what, total: total)
      (startedAt, startedDone) = (now, done)
    }
    lastDone = done
    guard isNew || done >= total || now - lastTold >= Self.interval else { return nil }
    lastTold = now
    var event = ProgressEvent(.progress)
    (event.what, event.done, event.total) = (what, done, total)
    let seconds = (now - startedAt).inSeconds
    if seconds > 0, done > startedDone {
      let rate = Double(done - startedDone) / seconds
      event.perSecond = rounded(rate)
      event.secondsLeft = rounded(Double(max(0, total - done)) / rate)
    }
    // The next work of the same size is another.
    if done >= total { count = nil }
    return event
  }

  private func rounded(_ value: Double) -> Double { (value * 1_000).rounded() / 1_000 }
}
