import Foundation
import Support

/// What is told of work that goes on: a bar that is drawn in place, or on other streams a line now and
/// then. A value without clock or stream: both are its caller's.
struct ProgressLine {
  /// Where the line goes.
  enum Style: Sendable {
    /// One line, drawn again in place.
    case bar
    /// A line at each tenth, and after half a minute without one.
    case lines
  }

  /// What to do with a line.
  enum Output: Equatable {
    /// `share`: how much is done, 0 to 1.
    case draw(share: Double, String)
    /// Draws it for the last time.
    case close(String)
    case line(String)
  }

  /// Without a bar no silence is longer.
  static let longestSilence = Duration.seconds(30)
  /// From here on a rate says something.
  static let firstEstimate = Duration.seconds(5)
  private static let shortestRedraw = Duration.milliseconds(100)

  private struct Count {
    var what: String
    var done: Int
    var total: Int
    var detail: String
    var startedAt: Duration
    var startedDone: Int
    var hasEstimate = false
  }

  let style: Style
  private var step = ""
  private var stepAt: Duration = .zero
  private var count: Count?
  private var lastTold: Duration = .zero
  private var lastTenth = -1

  init(style: Style, now: Duration = .zero) {
    self.style = style
    (stepAt, lastTold) = (now, now)
  }

  /// A step has begun, and was told.
  mutating func begin(_ step: String, at now: Duration) {
    self.step = step
    count = nil
    (stepAt, lastTold, lastTenth) = (now, now, -1)
  }

  /// A counted step has gone on.
  mutating func update(
    _ what: String, done: Int, of total: Int, detail: String = "", at now: Duration
  ) -> Output? {
    guard total > 0, done >= 0 else { return nil }
    let done = min(done, total)
    var count =
      self.count
      ?? Count(
        what: what, done: done, total: total, detail: detail, startedAt: now, startedDone: done)
    if count.what != what || count.total != total || done < count.done {
      count = Count(
        what: what, done: done, total: total, detail: detail, startedAt: now, startedDone: done)
      lastTenth = -1
    }
    (count.done, count.detail) = (done, detail)
    self.count = count
    let isOver = done >= total
    switch style {
    case .bar:
      guard isOver || lastTenth < 0 || now - lastTold >= Self.shortestRedraw else { return nil }
      return tell(at: now, isOver: isOver)
    case .lines:
      let tenth = Self.tenth(done, total)
      guard tenth != lastTenth || isDue(at: now) else { return nil }
      return tell(at: now, isOver: isOver)
    }
  }

  /// Time has passed; the work may have nothing to tell.
  mutating func tick(at now: Duration) -> Output? {
    switch style {
    case .bar:
      guard count != nil, now - lastTold >= .seconds(1) else { return nil }
      return tell(at: now, isOver: false)
    case .lines:
      guard isDue(at: now) else { return nil }
      return tell(at: now, isOver: false)
    }
  }

  private static func tenth(_ done: Int, _ total: Int) -> Int {
    Int(Double(done) * 10 / Double(total))
  }

  private func isDue(at now: Duration) -> Bool {
    if now - lastTold >= Self.longestSilence { return true }
    guard let count, !count.hasEstimate, count.done > count.startedDone else { return false }
    return now - count.startedAt >= Self.firstEstimate
  }

  private mutating func tell(at now: Duration, isOver: Bool) -> Output? {
    lastTold = now
    guard var count else {
      guard !step.isEmpty else { return nil }
      return .line("\(step): \(Duration.text(seconds: (now - stepAt).inSeconds)) so far")
    }
    lastTenth = Self.tenth(count.done, count.total)
    let pace = pace(of: count, at: now)
    if !pace.isEmpty, now - count.startedAt >= Self.firstEstimate { count.hasEstimate = true }
    self.count = isOver ? nil : count
    if isOver { (step, stepAt) = ("at work after the last of \(count.total) \(count.what)", now) }
    let text = "\(count.done) of \(count.total) \(count.what)\(pace)\(count.detail)"
    guard style == .bar else { return .line(text) }
    return isOver ? .close(text) : .draw(share: Double(count.done) / Double(count.total), text)
  }

  private func pace(of count: Count, at now: Duration) -> String {
    let seconds = (now - count.startedAt).inSeconds
    let done = count.done - count.startedDone
    guard seconds > 0, done > 0 else { return "" }
    let rate = Double(done) / seconds
    let speed =
      rate >= 0.1
      ? ", \(String(format: "%.1f", rate)) a second"
      : ", \(Duration.text(seconds: 1 / rate)) each"
    guard count.done < count.total else { return speed }
    return speed + ", \(Duration.text(seconds: Double(count.total - count.done) / rate)) left"
  }
}
