package import ModelAccess
package import PromptSets
package import Runs
package import Scoring
package import StudyDesign

extension Treatment {
  /// LoX of a rank at α; at α = 0 none.
  package static func lox(_ alpha: Double, rank: String = "6") -> Treatment {
    Treatment.Arm(
      method: Treatment.Method(rawValue: "lox"),
      parameters: ["rank": Int(rank).map { .integer($0) } ?? .text(rank)]
    ).treatment(at: alpha)
  }
}

extension AttackID {
  /// An attack of some method; `none` is none.
  package static func called(_ label: String, method: String = "imported") -> AttackID {
    let made = method == Method.none.rawValue ? .imported : Method(rawValue: method)
    return label == "none" ? .none : AttackID(label: label, method: made, recipe: "")
  }
}

extension Cell {
  /// A cell of LoX at α under an attack.
  package init(
    model: String = "m", targets: String = "all", rank: String = "6", alpha: Double,
    attack: String, attackMethod: String = "imported", dataset: String,
    variant: [ScaledUpdate] = []
  ) {
    self.init(
      model: model, targets: rank.isEmpty ? "" : targets, treatment: .lox(alpha, rank: rank),
      attack: .called(attack, method: attackMethod), dataset: dataset, variant: variant)
  }
}

extension Sample {
  /// A reply with its primary judge's verdict.
  package init(
    cell: CellID, id: String, sample: Int = 0, category: String, prompt: String,
    reference: String? = nil, response: String, finishReason: String? = nil,
    judge: String = "refusal", verdict: Verdict, score: Double? = nil, judgeRaw: String? = nil,
    judgements: [String: Judgement] = [:], latencyMilliseconds: Double = 0, attempts: Int = 1,
    error: String? = nil
  ) {
    let failure = Failure(code: nil, text: error)
    var all = judgements
    if failure == nil {
      all[judge] = Judgement(
        verdict: verdict, score: score, raw: judgeRaw)
    }
    self.init(
      cell: cell, id: id, sample: sample, category: category, prompt: prompt,
      reference: reference, judge: judge, judgements: all, response: response,
      finishReason: finishReason, latencyMilliseconds: latencyMilliseconds, attempts: attempts,
      failure: failure)
  }
}

/// A small study of two attacks and its one set of prompts.
package func makeManifest(
  alphas: [Double] = [0, 1], prompts: Int = 10
) -> (RunManifest, PromptSet) {
  let set = PromptSet(
    name: "set", kind: .harmful,
    prompts: (0..<prompts).map {
      Prompt(id: "p\($0)", category: "c\($0 % 2)", prompt: "prompt \($0)")
    }, digest: "sha256:0")
  let cells = ["none", "import"].flatMap { attack in
    alphas.map { alpha in
      Cell(
        alpha: alpha, attack: attack, dataset: "set",
        variant: [ScaledUpdate(name: "lox-r6", scale: alpha)]
          + (attack == "none" ? [] : [ScaledUpdate(name: "import", scale: 1)]))
    }
  }
  let manifest = RunManifest(
    plan: RunManifest.Plan(
      cells: cells, decoding: Decoding(maxTokens: 8), seed: 0, judge: "refusal",
      judgeConfiguration: "test",
      datasets: ["set": .init(digest: "sha256:0", prompts: prompts, kind: .harmful)],
      models: ["aligned": "sha256:1"], updates: [:], remarks: [:], server: "embedded"),
    environment: RunManifest.Environment(
      command: "loxeval sweep", version: "test", createdAt: "2026-01-01T00:00:00Z", threads: 2,
      blas: "test", instructions: "test", platform: "test"))
  return (manifest, set)
}
