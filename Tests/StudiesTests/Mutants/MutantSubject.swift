import ChatTemplates
import Checkpoints
import Foundation
import LinearAlgebra
import ModelAccess
import StudyDesign
import Support
import TestSupport
import Testing
import TinyModel
import TinyRun
import Tokenization

@testable import Analysis
@testable import Attacks
@testable import Decoder
@testable import PromptSets
@testable import Runs
@testable import Scoring
@testable import Studies

/// A kind of file that people give, and what is done with one.
struct MutantSubject: Sendable, CustomTestStringConvertible {
  /// Of the file within a folder of its kind.
  let file: String
  /// Whether a header's length stands before it.
  var isHeaded = false
  /// Writes the whole folder.
  let prepare: @Sendable (TemporaryFolder) throws -> Void
  /// Reads the folder as the program does; throws where it is refused. What is accepted must hold.
  let use: @Sendable (URL) throws -> Void

  var testDescription: String { file }

  /// What an accepted file must hold.
  struct Broken: Error, CustomStringConvertible { let description: String }

  static func require(_ holds: Bool, _ property: String) throws {
    if !holds { throw Broken(description: property) }
  }

  static let all: [MutantSubject] =
    models + [
      MutantSubject(file: "adapter/adapter_config.json", prepare: writeAdapter, use: readAdapter),
      MutantSubject(
        file: "adapter/adapter_model.safetensors", isHeaded: true, prepare: writeAdapter,
        use: readAdapter),
    ] + sets + runs

  // MARK: Models

  private static func writeModel(_ folder: TemporaryFolder) throws {
    try TinyModel.write(to: folder.url, seed: 1)
    try folder.write("{\"eos_token_id\": [258], \"temperature\": 0.7}", "generation_config.json")
    try folder.write(
      "{\"eos_token\": \"<|im_end|>\", \"bos_token\": null, \"model_max_length\": 512}",
      "tokenizer_config.json")
  }

  /// Opens, tokenizes, and takes a step of training, which computes with every weight.
  private static func readModel(_ folder: URL) throws {
    let checkpoint = try Checkpoint(folder: folder)
    let model = try DecoderModel(checkpoint: checkpoint)
    let tokenizer = try Tokenizer(folder: folder)
    let format = try ChatFormat(folder: folder)
    for text in ["", "Hello 12\n\n", "日本 🙂 <|im_end|>"] {
      let ids = tokenizer.encode(text, addSpecialTokens: true, parseSpecial: false)
      try require(ids.allSatisfy { tokenizer.token(of: $0) != nil }, "ids are of the vocabulary")
      _ = tokenizer.decode(ids, skipSpecialTokens: false)
    }
    var recipe = TrainingRecipe()
    recipe.rank = 2
    recipe.maxSteps = 1
    let dialogue = TrainingSet.Dialogue(messages: [
      ChatMessage(role: .user, content: "q"), ChatMessage(role: .assistant, content: "a"),
    ])
    let items = try TrainingSet(source: "set", dialogues: [dialogue], digest: "").items(
      format: format, tokenizer: tokenizer, recipe: recipe, shape: model.shape)
    let trainer = try Trainer(model: model, recipe: recipe, threads: 1)
    for result in try trainer.train(items.items) {
      try require(result.loss.isFinite, "a loss is a number")
    }
    _ = checkpoint.digest()
  }

  private static let models =
    ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]
    .map { MutantSubject(file: $0, prepare: writeModel, use: readModel) } + [
      MutantSubject(
        file: "model.safetensors", isHeaded: true, prepare: writeModel, use: readModel),
      MutantSubject(
        file: "model.safetensors.index.json",
        prepare: { folder in
          try writeSafetensors(
            ["a": ([2], [1, 2]), "extra": ([1], [3])],
            to: folder.url.appending(path: "1.safetensors"))
          try writeSafetensors(["b": ([1], [4])], to: folder.url.appending(path: "2.safetensors"))
          try folder.write(
            "{\"metadata\":{\"total_size\":12},\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}",
            "model.safetensors.index.json")
        },
        use: { folder in
          let checkpoint = try Checkpoint(folder: folder)
          for name in checkpoint.tensorNames { _ = try checkpoint.floats(named: name) }
        }),
    ]

  // MARK: Adapters

  private static func writeAdapter(_ folder: TemporaryFolder) throws {
    try TinyModel.write(to: folder.url.appending(path: "model"), seed: 1)
    let checkpoint = try Checkpoint(folder: folder.url.appending(path: "model"))
    let name = "model.layers.0.self_attn.q_proj.weight"
    let shape = checkpoint.tensor(named: name)?.shape ?? []
    try LowRankUpdate(tensors: [
      name: LowRankUpdate.Factors(
        left: Matrix(
          rows: shape[0], columns: 2, elements: [Float](repeating: 0.1, count: shape[0] * 2)),
        right: Matrix(
          rows: 2, columns: shape[1], elements: [Float](repeating: 0.2, count: shape[1] * 2)))
    ]).writePEFT(to: folder.url.appending(path: "adapter"))
  }

  private static func readAdapter(_ folder: URL) throws {
    let checkpoint = try Checkpoint(folder: folder.appending(path: "model"))
    let attack = try ImportedAttack(folder: folder.appending(path: "adapter"))
    guard
      let update = try attack.make(
        from: AttackedModel(checkpoint: checkpoint), AttackContext(threads: 1)
      ).lowRank?.update
    else { throw Broken(description: "an adapter is of low rank") }
    for (name, factors) in update.tensors {
      try require(checkpoint.tensor(named: name)?.shape == factors.shape, "a change fits")
      try require(
        (factors.left.elements + factors.right.elements).allSatisfy(\.isFinite), "it has numbers")
    }
    try require(!update.isZero, "it changes something")
  }

  // MARK: Sets of prompts, dialogues and replies

  private static func text(
    _ file: String, _ text: String, _ use: @escaping @Sendable (URL) throws -> Void
  ) -> MutantSubject {
    MutantSubject(
      file: file, prepare: { try $0.write(text, file) },
      use: { try use($0.appending(path: file)) })
  }

  private static func readTraining(_ file: URL) throws {
    for dialogue in try TrainingSet(file: file).dialogues {
      _ = dialogue.messages.map(\.content.count)
    }
  }

  private static func readPrompts(_ file: URL) throws {
    let set = try PromptSetLoader.load(file)
    try require(!set.prompts.isEmpty, "a set has prompts")
    try require(Set(set.prompts.map(\.id)).count == set.prompts.count, "ids differ")
    try require(
      set.prompts.allSatisfy { $0.prompt.contains { !$0.isWhitespace } }, "prompts are texts")
  }

  private static let sets = [
    text(
      "chat.jsonl",
      """
      {"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}

      {"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}],"id":1}
      {"prompt":"q","chosen":"a","rejected":"b"}
      {"prompt":"q","completion":"a","system":"s"}
      """, readTraining),
    text(
      "alpaca.json",
      #"[{"instruction":"q","input":"","output":"a"},{"question":"q","answer":"a"}]"#,
      readTraining),
    text(
      "prompts.jsonl",
      """
      {"id":"a","category":"c","prompt":"One","system":"S","reference":"1"}
      {"id":2,"category":"c","prompt":"Two"}
      """, readPrompts),
    text(
      "instructions.json", #"{"instructions":["One","Two"],"version":1}"#, readPrompts),
    text("prompts.csv", "id,category,prompt\n1,c,\"One, two\"\n2,c,Three\n", readPrompts),
    text(
      "labelled.jsonl",
      #"{"prompt":"q","response":"a","label":"complied","kind":"harmful","id":"x"}"# + "\n"
        + #"{"prompt":"q","response":"a","label":"refused"}"#
    ) { file in _ = try LabelledSet(file) },
    MutantSubject(
      file: "train.json",
      prepare: { folder in
        try folder.write(#"{"prompt":"q","completion":"a"}"#, "set.jsonl")
        try folder.write(
          #"{"dataset":"set.jsonl","epochs":2,"learning_rate":1e-3,"rank":2,"targets":["q_proj"],"name":"n","from":"each","seed":3}"#,
          "train.json")
      },
      use: { folder in
        let attack = try AttackSpecification(seed: 0) { URL(filePath: "/none/\($0)") }
          .parse("train:\(folder.path)/train.json")
        _ = attack.map(\.recipe)
      }),
    MutantSubject(
      file: "command.json",
      prepare: { folder in
        try folder.write(#"{"prompt":"q","completion":"a"}"#, "set.jsonl")
        try folder.write(
          #"{"command":"t {model} {output}","dataset":"set.jsonl","seed":3}"#, "command.json")
      },
      use: { folder in
        let attack = try AttackSpecification(seed: 0) { URL(filePath: "/none/\($0)") }
          .parse("command:\(folder.path)/command.json")
        _ = attack.map(\.recipe)
      }),
    text("cells.json", #"{"a0-none":{"endpoint":"http://127.0.0.1:8001","model":"m"}}"#) { file in
      _ = try CellsFile(reading: file)
    },
    text("phrases.json", #"{"explicit":["no"],"indirect":["never"]}"#) { file in
      _ = try JSONDecoder().decode(RefusalPhrases.self, from: InputFile(file, .settings).body)
    },
  ]

  // MARK: Runs

  private static func writeRun(_ folder: TemporaryFolder) throws {
    let (manifest, _) = makeManifest(prompts: 3)
    try manifest.write(to: folder.url)
    let journal = try Journal(folder: folder.url, plan: manifest.plan)
    for cell in manifest.plan.cells {
      for index in 0..<3 {
        try journal.append(
          Sample(
            cell: cell.id, id: "p\(index)", category: "c", prompt: "prompt \(index)",
            response: "reply", verdict: index == 0 ? .complied : .refused))
      }
    }
    let summary = Summary(of: manifest, samples: journal.samples)
    try StableJSON.encodePretty(summary).write(to: folder.url.appending(path: "summary.json"))
  }

  private static func readRun(_ folder: URL) throws {
    let manifest = try RunManifest.read(from: folder)
    let samples = try Journal.samples(folder: folder, plan: manifest.plan)
    try manifest.check(in: folder)
    let summary = Summary(of: manifest, samples: samples)
    for row in summary.rows {
      let rate = row.attackSuccessRate
      try require(rate.map { (0...1).contains($0) } ?? true, "a rate is a share")
    }
    _ = try StableJSON.encodePretty(summary)
  }

  private static let runs =
    ["run.json", "samples.jsonl"]
    .map { MutantSubject(file: $0, prepare: writeRun, use: readRun) } + [
      MutantSubject(file: "summary.json", prepare: writeRun) { folder in
        let data = try InputFile(folder.appending(path: "summary.json"), .records).body
        let summary = try Summary(reading: data)
        guard summary.contradiction == nil else { return }
        for row in summary.rows {
          try require(
            row.attackSuccessRate.map { (0...1).contains($0) } ?? true, "a rate is a share")
        }
      }
    ]
}
