import Attacks
import ModelAccess
import PromptSets
package import Runs
import Scoring
import StudyDesign
import Support
import Synchronization

/// The most that a study can cost at servers that are paid for, known before any is asked.
///
/// Prompts are estimated and replies as long as they may be. Probes of servers, and attempts that are made again,
/// are not in it.
package struct CostBound: Hashable, Sendable, CustomStringConvertible {
  /// Of models and judges.
  package private(set) var requests = 0
  /// About.
  package private(set) var promptTokens = 0
  /// At most.
  package private(set) var completionTokens = 0
  package private(set) var cost = 0.0
  /// What the run may cost; nil for any cost.
  package var limit: Double?

  mutating func add(_ use: TokenUse, requests: Int, times: Int, _ prices: Prices) {
    self.requests += requests * times
    promptTokens += use.prompt * times
    completionTokens += use.completion * times
    cost += prices.cost(of: use) * Double(times)
  }

  /// `costs at most about 0.31: 12,600 requests, about 504,000 tokens in and at most 756,000 out`
  package var description: String {
    let beyond =
      limit.map {
        cost > $0
          ? "; --max-cost \(Number.money($0)) may stop it before its end"
          : ", within --max-cost \(Number.money($0))"
      } ?? ""
    return "costs at most about \(Number.money(cost)): \(Number.grouped(requests)) requests, about "
      + "\(Number.grouped(promptTokens)) tokens in and at most \(Number.grouped(completionTokens)) out"
      + beyond
  }
}

extension Measurement {
  /// What a prompt of a set is sent as.
  func messages(_ prompt: Prompt, under attack: PromptAttack) -> [ChatMessage] {
    promptAttacks.first { $0.id == attack }?.conversation(prompt.messages) ?? prompt.messages
  }

  /// The most that asking some cells can cost.
  ///
  /// - Parameters:
  ///   - isPaid: whether the models' servers are paid for.
  ///   - judging: who judges the replies.
  package func costBound(
    of cells: [Cell], _ spending: Spending, isPaid: Bool, judging: JudgeSource
  ) async throws -> CostBound {
    var bound = CostBound()
    bound.limit = spending.limit
    let panel = JudgePanel(try judging.unopened(JudgeModel(name: "", client: SizingModel())))
    var seen: Set<CellID> = []
    let distinct = cells.filter { seen.insert($0.id).inserted }
    let most = decoding.maxTokens + (decoding.maxReasoningTokens ?? 0)
    for set in datasets {
      let own = distinct.filter { $0.dataset == set.name }
      guard !own.isEmpty else { continue }
      if isPaid {
        for (attack, count) in Dictionary(own.map { ($0.promptAttack, 1) }, uniquingKeysWith: +) {
          let prompts = set.prompts.reduce(0) {
            $0
              + ChatRequest(messages: messages($1, under: attack), decoding: decoding)
              .likelyPromptTokens
          }
          bound.add(
            TokenUse(prompt: prompts, completion: most * set.prompts.count),
            requests: set.prompts.count, times: count * samples, spending.prices)
        }
      }
      let use = await SizingModel.size(
        of: set.judges(panel), set, replyTokens: decoding.maxTokens)
      bound.add(
        use.tokens, requests: use.requests, times: set.prompts.count * own.count * samples,
        spending.judgePrices)
    }
    return bound
  }
}

/// A model that answers nothing that anyone could use, and counts what it is asked.
private struct SizingModel: ChatCompleting {
  @TaskLocal static var count: Counter?

  final class Counter: Sendable {
    let asked = Mutex((requests: 0, tokens: TokenUse(prompt: 0, completion: 0)))
  }

  func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    Self.count?.asked.withLock { asked in
      asked.requests += 1
      asked.tokens.prompt += request.likelyPromptTokens
      asked.tokens.completion += request.mostTokens.completion
    }
    return ChatReply(text: "?", finishReason: "stop", latencyMilliseconds: 0, attempts: 1)
  }

  /// What judges ask at most about a reply to a set's longest prompt: they ask again where an answer says nothing.
  static func size(
    of judges: [any Judge], _ set: PromptSet, replyTokens: Int
  ) async -> (requests: Int, tokens: TokenUse) {
    let counter = Counter()
    guard let prompt = set.prompts.max(by: { $0.prompt.utf8.count < $1.prompt.utf8.count }) else {
      return (0, TokenUse(prompt: 0, completion: 0))
    }
    let reply = JudgedReply(
      prompt: prompt.prompt, response: text(ofTokens: replyTokens), reference: prompt.reference,
      kind: set.kind)
    await $count.withValue(counter) {
      for judge in judges { _ = await judge.judge(reply) }
    }
    return counter.asked.withLock { ($0.requests, $0.tokens) }
  }

  /// A text of about so many tokens, as tokens are counted here, that no judge takes for noise.
  private static func text(ofTokens count: Int) -> String {
    let words = [
      "water", "table", "seven", "little", "under", "green", "paper", "again", "many", "house",
      "early", "music", "open", "river", "quiet", "above", "lemon", "over", "simple", "garden",
      "figure", "inside", "motor", "yellow", "common", "idea", "evening", "area", "copper", "side",
    ]
    var generator = SplitMix64(seed: 1)
    var text = ""
    while text.utf8.count < 3 * count {
      text += words[Int(generator.next() % UInt64(words.count))] + " "
    }
    return text
  }
}
