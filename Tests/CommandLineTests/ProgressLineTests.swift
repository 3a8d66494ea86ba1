import Support
import Testing

@testable import loxeval

/// What is told of work that goes on, on a clock of the test's own.
@Suite struct ProgressLineTests {
  private typealias Output = ProgressLine.Output

  /// What a stream without a terminal gets of work that tells nothing: a line each half minute.
  @Test func noSilenceIsLongerThanHalfAMinute() {
    var line = ProgressLine(style: .lines)
    line.begin("computing digests", at: .zero)
    var told: [(at: Int, text: String)] = []
    for second in 1...100 {
      if case .line(let text)? = line.tick(at: .seconds(second)) { told.append((second, text)) }
    }
    #expect(told.map(\.at) == [30, 60, 90])
    #expect(told.first?.text == "computing digests: 30 s so far")
  }

  /// Slow work: few events, no tenth passed, and yet a line in time, the first with an estimate.
  @Test func slowCountsAreToldInTime() {
    var line = ProgressLine(style: .lines)
    line.begin("asking", at: .zero)
    var told: [(at: Int, text: String)] = []
    func tell(_ second: Int, _ output: Output?) {
      if case .line(let text)? = output { told.append((second, text)) }
    }
    tell(0, line.update("samples", done: 0, of: 11_340, at: .zero))
    for second in 1...65 {
      tell(second, line.tick(at: .seconds(second)))
      tell(second, line.update("samples", done: second, of: 11_340, at: .seconds(second)))
    }
    #expect(told.map(\.at) == [0, 5, 35, 65])
    #expect(told[0].text == "0 of 11340 samples")
    // After the first seconds it says how long.
    #expect(told[1].text == "4 of 11340 samples, 0.8 a second, 3 h 56 min left")
  }

  @Test func tenthsAreToldAndTheEndIs() {
    var line = ProgressLine(style: .lines)
    var told: [String] = []
    for done in 0...40 {
      let output = line.update("tensors", done: done, of: 40, at: .milliseconds(done * 10))
      if case .line(let text)? = output { told.append(text) }
    }
    #expect(told.count == 11)
    #expect(told.last == "40 of 40 tensors, 100.0 a second")
    // What follows is told too.
    #expect(line.tick(at: .seconds(20)) == nil)
    guard case .line(let text)? = line.tick(at: .seconds(31)) else {
      Issue.record("a silence of half a minute")
      return
    }
    #expect(text == "at work after the last of 40 tensors: 31 s so far")
  }

  @Test func aBarIsDrawnAtMostTenTimesASecondAndAlwaysClosed() {
    var line = ProgressLine(style: .bar)
    var (draws, closes) = (0, 0)
    for done in 0...1_000 {
      switch line.update("samples", done: done, of: 1_000, at: .milliseconds(done)) {
      case .draw: draws += 1
      case .close: closes += 1
      default: break
      }
    }
    #expect(draws == 10)
    #expect(closes == 1)
    #expect(line.tick(at: .seconds(60)) == nil)
  }

  /// The time left goes on where nothing arrives.
  @Test func aBarIsDrawnEachSecond() {
    var line = ProgressLine(style: .bar)
    _ = line.update("samples", done: 1, of: 10, at: .zero)
    _ = line.update("samples", done: 2, of: 10, at: .seconds(1))
    #expect(line.tick(at: .milliseconds(1_500)) == nil)
    #expect(
      line.tick(at: .seconds(2))
        == .draw(share: 0.2, "2 of 10 samples, 0.5 a second, 16 s left"))
  }

  /// A second count of the same name, such as a second training, has a pace of its own.
  @Test func countsThatBeginAgainHaveTheirOwnPace() {
    var line = ProgressLine(style: .lines)
    _ = line.update("steps", done: 0, of: 10, at: .zero)
    _ = line.update("steps", done: 9, of: 10, at: .seconds(90))
    #expect(line.update("steps", done: 0, of: 10, at: .seconds(100)) == .line("0 of 10 steps"))
    #expect(
      line.update("steps", done: 5, of: 10, at: .seconds(105))
        == .line("5 of 10 steps, 1.0 a second, 5 s left"))
  }

  @Test(
    arguments: [
      (0, 0), (5, 0), (-1, -1), (.max, .max), (1, .max), (.max, 1), (.min, 10), (5, -5),
    ] as [(Int, Int)])
  func noNumbersTrap(done: Int, total: Int) {
    for style in [ProgressLine.Style.bar, .lines] {
      var line = ProgressLine(style: style)
      _ = line.update("x", done: done, of: total, at: .zero)
      _ = line.update("x", done: done, of: total, at: .seconds(7))
      _ = line.tick(at: .seconds(100))
    }
  }
}
