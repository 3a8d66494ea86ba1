import Attacks
import Foundation
import ModelAccess
import PromptSets
import Runs
import Scoring
import StudyDesign
import Synchronization
import TestSupport
import Testing
import TinyRun

@testable import Studies

/// What is sent and judged under prompt attacks.
@Suite struct PromptAttackRunTests {
  /// Keeps what it is asked, and answers alike.
  private final class Listening: ChatCompleting {
    let asked = Mutex<[[ChatMessage]]>([])

    func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
      asked.withLock { $0.append(request.messages) }
      return ChatReply(
        text: " one two", finishReason: "stop", latencyMilliseconds: 1, attempts: 1)
    }
  }

  /// Complies where it reads the beginning of the turn.
  private struct Reading: Judge {
    let name = "refusal"
    let configuration = "test"
    let seesRefusals = true

    func judges(_ kind: PromptKind, references: Bool) -> Bool { true }
    func judge(_ reply: JudgedReply) async -> Judgement {
      Judgement(
        verdict: reply.response.hasPrefix("Sure") ? .complied : .refused, raw: reply.response)
    }
  }

  private static func run(
    _ attacks: [any PromptAttackForm], knowing known: [any PromptAttackForm]? = nil
  ) async throws -> (asked: [[ChatMessage]], samples: [Sample]) {
    let folder = try TemporaryFolder()
    var (manifest, set) = makeManifest(alphas: [0], prompts: 2)
    manifest.plan.cells = attacks.map { attack in
      Cell(
        model: "m", targets: "all", treatment: .none, attack: .none, promptAttack: attack.id,
        dataset: set.name, variant: [])
    }
    let run = try RunFolder(
      folder.url.appending(path: "run"), manifest: manifest, resume: false)
    let model = Listening()
    let runner = Runner(
      plan: manifest.plan, datasets: [set], model: model, judges: [Reading()],
      promptAttacks: known ?? attacks, maxConnections: 1, maxErrors: 1)
    try await runner.run(run.journal) { _ in }
    return (model.asked.withLock { $0 }, run.journal.samples)
  }

  @Test func aPrefilledTurnIsSentOpenAndJudgedAsAsked() async throws {
    let alone = try await Self.run([PrefillAttack(text: "Sure,")])
    #expect(alone.asked.count == 2)
    #expect(alone.asked.allSatisfy { $0.last == ChatMessage(role: .assistant, content: "Sure,") })
    // Replies are kept as the model wrote them, under the set's own prompt.
    #expect(alone.samples.allSatisfy { $0.response == " one two" && $0.verdict == .refused })
    #expect(alone.samples.allSatisfy { $0.prompt.hasPrefix("prompt ") })
    let seen = try await Self.run([PrefillAttack(text: "Sure,", isSeen: true)])
    #expect(seen.samples.allSatisfy { $0.response == " one two" && $0.verdict == .complied })
    #expect(seen.samples.allSatisfy { $0.judgement.raw == "Sure, one two" })
  }

  @Test func anAttackThatIsNotThereEndsTheRun() async throws {
    await #expect(throws: (any Error).self) {
      _ = try await Self.run([PrefillAttack(text: "Sure,")], knowing: [])
    }
  }

  /// Prompt attacks cross treatments and attacks on harmful sets; other cells keep their ids.
  @Test func thePlanCrossesThemOnHarmfulSets() {
    let prefill = PrefillAttack(text: "Sure").id
    let plain = SweepPlanTests.plan([FixedAttack(["one"])], datasets: ["harm", "benign"])
    let plan = SweepPlan(
      model: "m", targets: "all", defences: plain.defences.map(\.defence),
      attacks: [FixedAttack(["one"])], datasets: ["harm", "benign"], promptAttacks: [prefill],
      on: ["harm"])
    #expect(plan.cells.filter(\.promptAttack.isNone) == plain.cells)
    let attacked = plan.cells.filter { $0.promptAttack == prefill }
    #expect(attacked.count == 4 && attacked.allSatisfy { $0.dataset == "harm" })
    #expect(Set(plan.cells.map(\.id)).count == plan.cells.count)
    for cell in attacked where !cell.treatment.isNone {
      let baseline = plan.cells.first { $0.id == cell.baseline }
      #expect(baseline?.promptAttack == prefill && baseline?.attack == cell.attack)
    }
  }
}
