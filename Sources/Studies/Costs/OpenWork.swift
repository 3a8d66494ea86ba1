import ModelAccess
import PromptSets
import Runs
import StudyDesign

/// What is left to ask of a study, with some of its requests.
struct OpenWork {
  /// Replies that are there: in the run that goes on, and in the cache.
  private(set) var there = 0
  private(set) var cached = 0
  /// Replies that are not.
  private(set) var count = 0
  /// Of models whose updates are not made yet nobody knows what the cache has.
  private(set) var unknown = 0
  /// Some of those that are left, evenly over all of them.
  private(set) var requests: [ChatRequest] = []

  /// - Parameters:
  ///   - run: the one that goes on; nil where there is none.
  ///   - most: requests that are wanted.
  ///   - isCached: whether the cache has a reply; nil where nobody can say it of the request's model.
  init(
    _ cells: [Cell], of measurement: Measurement, after run: StoredRun?, most: Int,
    isCached: (ChatRequest) async throws -> Bool? = { _ in nil }
  ) async throws {
    var seen: Set<CellID> = []
    let distinct = cells.filter { seen.insert($0.id).inserted }
    let sets = Dictionary(
      measurement.datasets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let seeds = run.map { $0.manifest.plan.samplingSeeds ?? .byNumber } ?? .byPrompt
    let all = distinct.reduce(0) { $0 + measurement.samples(of: $1) }
    var due = 0.0
    for cell in distinct {
      let known = run.map { PromptReplies($0.outcomes[cell.id], each: measurement.samples) }
      for prompt in sets[cell.dataset]?.prompts ?? [] {
        for number in 0..<measurement.samples {
          if let outcome = known?[prompt.id, number], outcome.failure == nil {
            there += 1
            continue
          }
          let request = ChatRequest(
            messages: measurement.messages(prompt, under: cell.promptAttack),
            decoding: seeds.decoding(measurement.decoding, prompt: prompt.id, number: number),
            variant: cell.variant)
          switch try await isCached(request) {
          case true?:
            cached += 1
            continue
          case false?: break
          case nil: unknown += 1
          }
          count += 1
          due += Double(most) / Double(max(1, all))
          if due >= 1 || requests.isEmpty {
            requests.append(request)
            due -= 1
          }
        }
      }
    }
  }
}

extension Measurement {
  /// The run that goes on, as it stands; nil where none does.
  func runThere() throws -> StoredRun? {
    try resume && RunFolder.holdsRun(output) ? StoredRun(output) : nil
  }
}
