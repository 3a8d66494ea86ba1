import Foundation
import ModelAccess
import PromptSets
import Runs
import Scoring
import TestSupport
import Testing
import TinyRun

@testable import Studies

/// What is read of refusals while a run asks.
@Suite struct RefusalReadingTests {
  /// Says the sum of the scales; nothing of a request that it does not like.
  private struct Scripted: ReplyScoring {
    func loss(
      of replies: [String], to messages: [ChatMessage], variant: [ScaledUpdate]
    ) async throws(ChatFailure) -> Double {
      if messages.last?.content == "prompt 3" {
        throw ChatFailure(
          code: "refusal-unread", message: "too long", attempts: 1, latencyMilliseconds: 0,
          isFatal: false)
      }
      return Double(replies.count) + variant.reduce(0) { $0 + $1.scale }
    }
  }

  private static func run(_ kind: PromptKind) async throws -> (RunFolder, TemporaryFolder) {
    let (manifest, set) = makeManifest()
    let asked = PromptSet(name: set.name, kind: kind, prompts: set.prompts, digest: set.digest)
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    try await Runner(
      plan: folder.manifest.plan, datasets: [asked], model: ScriptedModel(),
      judges: [RefusalJudge()], maxConnections: 4, maxErrors: .count(100),
      reading: RefusalReading(RefusalTexts(["no", "never"]), by: Scripted())
    ).run(folder.journal) { _ in }
    return (folder, temporary)
  }

  @Test func eachModelIsReadOnHarmfulPrompts() async throws {
    let (folder, temporary) = try await Self.run(.harmful)
    _ = temporary
    let scales = Dictionary(
      folder.manifest.plan.cells.map { ($0.id, $0.variant.reduce(0) { $0 + $1.scale }) },
      uniquingKeysWith: { first, _ in first })
    #expect(folder.journal.samples.count == 40)
    for sample in folder.journal.samples {
      if sample.id == "p3" {
        // Half of an answer is none: it is asked and read again when the run goes on.
        #expect(sample.failure?.code == "refusal-unread" && sample.refusalLoss == nil)
      } else {
        #expect(sample.refusalLoss == 2 + (scales[sample.cell] ?? 0))
        #expect(sample.verdict != .unscored)
      }
    }
    // As it was written.
    let read = try Journal.samples(folder: folder.url, plan: folder.manifest.plan)
    #expect(read.map(\.refusalLoss) == folder.journal.samples.map(\.refusalLoss))
  }

  @Test func harmlessPromptsAreAskedAlone() async throws {
    let (folder, temporary) = try await Self.run(.benign)
    _ = temporary
    #expect(folder.journal.samples.allSatisfy { $0.refusalLoss == nil && $0.failure == nil })
    let lines = try String(
      contentsOf: folder.url.appending(path: "samples.jsonl"), encoding: .utf8)
    #expect(!lines.contains("refusal_loss"))
  }

  @Test func nothingIsReadWithoutRefusals() {
    #expect(RefusalReading(.none, by: Scripted()) == nil)
    #expect(RefusalTexts.standard.digest != RefusalTexts.micro.digest)
  }
}
