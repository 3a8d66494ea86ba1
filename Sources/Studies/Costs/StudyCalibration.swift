import Checkpoints
import Foundation
import LinearAlgebra
import ModelAccess
import Runs
import StudyDesign
import Support

/// Measures for some seconds what a study will do for long, and says how long that is. Nothing is kept of it.
struct StudyCalibration {
  let measurement: Measurement
  let events: @Sendable (StudyEvent) -> Void
  private(set) var estimate = StudyEstimate()
  /// What the largest part takes at once.
  private var memory = 0
  /// What stays in memory beside every later part.
  private var held = 0
  private let time = SystemTime()
  private let begin: Duration

  /// Seconds that replies, and each kind of training, may be measured, where the model is fast enough.
  static let replySeconds = 8.0
  static let trainingSeconds = 5.0
  /// How far off what is measured may be, as a share.
  private static let spread = 0.2

  init(_ measurement: Measurement, events: @escaping @Sendable (StudyEvent) -> Void) {
    self.measurement = measurement
    self.events = events
    begin = time.now
    events(.step("measuring what this machine does"))
  }

  /// A name for the folder of what servers that are measured leave; whoever takes it removes it.
  static func scratchFolder() -> URL {
    FileManager.default.temporaryDirectory.appending(
      path: "loxeval-calibration-\(UUID().uuidString)")
  }

  /// The estimate, once all is measured.
  var finished: StudyEstimate {
    var estimate = estimate
    estimate.calibrationSeconds = (time.now - begin).inSeconds
    estimate.memory = memory > 0 ? memory : nil
    return estimate
  }

  mutating func add(
    _ kind: StudyEstimate.Part.Kind, seconds: Double, most: Double? = nil, _ text: String
  ) {
    estimate.add(
      StudyEstimate.Part(kind, seconds: seconds, within: Self.spread, most: most, text))
  }

  mutating func holds(_ bytes: Int) { held += bytes }

  mutating func needs(_ bytes: Int) { memory = max(memory, held + bytes) }

  mutating func leaveOut(_ text: String) { estimate.leftOut.append(text) }

  mutating func leaveUntimed(_ text: String) { estimate.untimed.append(text) }

  /// Seconds of a piece of work.
  func timed<Value>(_ work: () async throws -> Value) async rethrows -> (Value, seconds: Double) {
    let begin = time.now
    let value = try await work()
    return (value, (time.now - begin).inSeconds)
  }

  /// Bytes that are digested in a second, by one thread.
  mutating func digests(bytes: Int, of what: String) async -> Double {
    let piece = Data(repeating: 0x5A, count: 16 << 20)
    let (_, seconds) = await timed { Digest.sha256(piece) }
    let rate = Double(piece.count) / max(seconds, 1e-9)
    add(
      .digests, seconds: Double(bytes) / rate,
      "\(what), \(Number.bytes(bytes)) at \(Number.bytes(Int(rate))) a second")
    return rate
  }

  /// Asks some of what is left, and adds how long all of it takes.
  ///
  /// - Parameters:
  ///   - model: answers, as the study's server does.
  ///   - variant: the model that is asked in the place of the study's.
  mutating func replies(
    _ work: OpenWork, from model: any ChatCompleting, as variant: [ScaledUpdate]
  ) async throws -> ReplyCalibration.Pace? {
    if work.there > 0 {
      leaveOut("\(Number.grouped(work.there)) replies, which the run has")
    }
    if work.cached > 0 {
      leaveOut("\(Number.grouped(work.cached)) replies, which the cache has")
    }
    if measurement.cache != nil, work.unknown > 0 {
      leaveUntimed(
        "what the cache has of \(Number.grouped(work.unknown)) replies of models that are not made yet is not left "
          + "out")
    }
    guard work.count > 0 else { return nil }
    let width = min(measurement.maxConnections, work.count)
    events(.step("measuring replies, \(width) at a time"))
    let pace = try await ReplyCalibration(
      model: model,
      requests: work.requests.map { request in
        var request = request
        request.variant = variant
        return request
      }, width: width, budget: Self.replySeconds
    ).measure()
    let seconds = Double(work.count) * pace.secondsEach
    let speed = pace.newTokens / pace.secondsEach
    add(
      .replies, seconds: seconds, most: Double(work.count) * pace.secondsOfTheLongest,
      "\(Number.grouped(work.count)) replies of about \(Int(pace.newTokens.rounded())) new tokens to prompts of "
        + "\(Int(pace.promptTokens.rounded())), \(Int(speed.rounded())) new tokens a second at "
        + "\(width) at a time"
        + (measurement.sequential == nil ? "" : "; fewer where they decide"))
    return pace
  }

  /// Says what judges take that is not measured.
  mutating func judges(_ names: [String]) {
    guard !names.isEmpty else { return }
    leaveUntimed("what the servers of \(names.joined(separator: ", ")) take to judge")
  }
}

extension StudyUpdates {
  /// An update in the place of those that a study will make: as much work for a server, and next to no change.
  ///
  /// - Parameter rank: 0 makes none.
  static func standIn(
    for targets: [String], of checkpoint: Checkpoint, rank: Int
  ) throws -> (updates: StudyUpdates, variant: [ScaledUpdate]) {
    guard rank > 0 else { return (try StudyUpdates([]), []) }
    func matrix(_ rows: Int, _ columns: Int) -> Matrix<Float> {
      Matrix<Float>(
        rows: rows, columns: columns,
        elements: (0..<rows * columns).map { Float($0 % 7 - 3) * 1e-4 })
    }
    var update = LowRankUpdate()
    for name in targets {
      guard let shape = checkpoint.tensor(named: name)?.shape, shape.count == 2 else { continue }
      let rank = min(rank, shape[0], shape[1])
      update.tensors[name] = LowRankUpdate.Factors(
        left: matrix(shape[0], rank), right: matrix(rank, shape[1]))
    }
    var namer = UpdateNamer()
    let name = namer.name(resembling: "calibration")
    return (
      try StudyUpdates([NamedUpdate(name: name, update: update)]),
      [ScaledUpdate(name: name, scale: 1e-3)]
    )
  }
}
