import ArgumentParser
import Foundation
import Support
import TestSupport
import Testing

@testable import loxeval

/// Studies as files, and runs that are repeated.
@Suite struct StudyFileTests {
  private static func expanded(
    _ arguments: [String], config: String? = nil, command: String? = nil
  ) throws -> [String] {
    let folder = try TemporaryFolder()
    var all = arguments
    if let config {
      all += ["--config", try folder.write(config, "study.json").path]
    }
    if let command {
      let run = """
        {"schema": 2, "judgeQuality": [], "limits": {"max_over_refusal_increase": 0.1, "max_utility_drop": 0.1, \
        "max_over_refusal": 0.5, "max_degenerate": 0.2}, "environment": {"command": \(JSONNode.string(command).serialized), \
        "version": "0", "createdAt": "2026-01-02T03:04:05Z", "threads": 1, "blas": "", "instructions": "", \
        "platform": ""}, "plan": {"cells": [], "decoding": {"temperature": 0, "topP": 1, "maxTokens": 1, "seed": 0, \
        "stop": []}, "seed": 0, "samples": 1, "judge": "refusal", "judgeConfiguration": "", "judges": {}, \
        "datasets": {}, "models": {}, "updates": {}, "remarks": {}, "server": ""}}
        """
      try folder.write(run, "run/run.json")
      all += ["--from", folder.url.appending(path: "run").path]
    }
    return try CommandArguments.expanded(all)
  }

  private static func failure(
    _ arguments: [String], config: String? = nil, command: String? = nil
  ) -> String {
    do {
      return "none: \(try expanded(arguments, config: config, command: command))"
    } catch {
      return "\(error)"
    }
  }

  @Test func aFileStandsForItsOptions() throws {
    let file = """
      {"alpha": "-1..2:0.5", "limit": 50, "temperature": 0.5, "controls": true, "resume": false,
       "dataset": ["a.jsonl", "b c.jsonl"], "attack": "none", "output": "", "seed": 18446744073709551615}
      """
    #expect(
      try Self.expanded(["sweep"], config: file) == [
        "sweep", "--alpha=-1..2:0.5", "--limit=50", "--temperature=0.5", "--controls",
        "--dataset=a.jsonl", "--dataset=b c.jsonl", "--attack=none", "--output=",
        "--seed=18446744073709551615",
      ])
    // A file of no options, and one within what --plan prints.
    #expect(try Self.expanded(["sweep", "-q"], config: "{}") == ["sweep", "-q"])
    let plan = #"{"command": "sweep", "cells": [], "samples": 7, "options": {"samples": 3}}"#
    #expect(try Self.expanded(["sweep"], config: plan) == ["sweep", "--samples=3"])
  }

  /// Of a repeated option too: who names data sets means these.
  @Test(arguments: [
    ["--alpha", "1", "--dataset", "own"], ["--alpha=1", "--dataset=own"],
  ])
  func theCommandLineWinsOverTheFile(own: [String]) throws {
    let file = #"{"alpha": "0..2", "dataset": ["a", "b"], "output": "x", "quiet": true, "rank": 6}"#
    #expect(
      try Self.expanded(["sweep", "-qo", "y"] + own, config: file)
        == ["sweep", "--rank=6", "-q", "-o", "y"] + own)
  }

  static let refused: [(String, String)] = [
    (#"{"alhpa": 1}"#, "\"alhpa\" is no option of a study of sweep; did you mean alpha?"),
    (#"{"max_tokens": 1}"#, "did you mean max-tokens?"),
    (#"{"--rank": 1}"#, "did you mean rank?"),
    (#"{"model": "m"}"#, "\"model\" is no option of a study of sweep"),
    (#"{"config": "other.json"}"#, "\"config\" is no option"),
    (#"{"help": true}"#, "\"help\" is no option"),
    (
      #"{"rank": [3, 6]}"#,
      "with commas between, where the option takes a list), found an array of 2"
    ),
    (#"{"rank": true}"#, "rank: expected a text or a number, found true"),
    (#"{"rank": null}"#, "found null"), (#"{"rank": {}}"#, "found an object of 0"),
    (#"{"controls": 1}"#, "controls: expected true or false, found the number 1"),
    (#"{"controls": "yes"}"#, "controls: expected true or false, found the string"),
    (#"{"dataset": [["a"]]}"#, "dataset: expected a text or a number, or a list of them"),
    (#"{"rank": 3, "rank": 6}"#, "expected each key once, found rank again"),
    (#"["rank"]"#, "expected an object of options"), ("{", "expected JSON, found at byte 1"),
    (#"{"options": []}"#, "options: expected an object"),
    (#"{"command": "landscape", "options": {}}"#, "expected a study of sweep, found one of"),
  ]

  @Test(arguments: refused) func aFileThatIsWrongIsRefused(file: String, reason: String) {
    let failure = Self.failure(["sweep"], config: file)
    #expect(failure.contains("study.json: "), "\(failure)")
    #expect(failure.contains(reason), "\(failure)")
  }

  @Test func aFileThatIsMissingIsNamed() {
    let failure = Self.failure(["sweep", "--config", "nowhere.json"])
    #expect(failure == "nowhere.json: cannot be read: there is no such file")
    // The parser itself says that the value is missing.
    #expect(Self.failure(["sweep", "--config"]).hasPrefix("none"))
    // Other commands have no such option.
    #expect(Self.failure(["gate", "--config", "x"]).hasPrefix("none"))
  }

  @Test func aRunIsRepeatedButForWhereItWas() throws {
    let command =
      "loxeval sweep --alpha=-1..1 --rank 6 --attack 'import:a b' -q --dataset x --dataset y -o run --shard 2/3 "
      + "--resume --max-time 1h --controls"
    #expect(
      try Self.expanded(["sweep", "--rank", "3"], command: command) == [
        "sweep", "--alpha=-1..1", "--attack=import:a b", "--dataset=x", "--dataset=y", "--controls",
        "--rank", "3",
      ])
    // A file's options stand between the run's and one's own.
    #expect(
      try Self.expanded(
        ["sweep", "--limit", "9"], config: #"{"dataset": "z", "limit": 1}"#, command: command) == [
          "sweep", "--alpha=-1..1", "--rank=6", "--attack=import:a b", "--controls", "--dataset=z",
          "--limit", "9",
        ])
  }

  @Test func aRunThatCannotBeRepeatedSaysWhy() {
    func failure(_ command: String, _ own: [String] = []) -> String {
      Self.failure(["sweep"] + own, command: command)
    }
    #expect(failure("loxeval evaluate --model m").contains("found one of loxeval evaluate"))
    #expect(failure("loxeval").contains("expected the command that began the run"))
    #expect(failure("loxeval sweep 'a").contains("expected the command that began the run"))
    #expect(
      failure("loxeval sweep --old-option 1").contains("has --old-option, which is no option"))
    let secret = "loxeval sweep --endpoint 'https://[key]@host/v1'"
    #expect(failure(secret).contains("--endpoint held a key"))
    #expect(failure(secret, ["--endpoint", "https://host"]).hasPrefix("none"))
    #expect(Self.failure(["sweep", "--from", "nowhere"]).contains("expected a run folder"))
  }

  /// What is written is what is read: every option of every study.
  @Test func everyOptionOfAStudyCanStandInAFile() throws {
    for command in CommandArguments.studies {
      let table = try OptionTable(command)
      let names = table.names.filter { !["config", "from"].contains($0) }
      #expect(names.count > 40, "\(table.command)")
      let members = names.map { name -> String in
        let entry = table.entry(name)
        let value =
          entry?.takesValue == false ? "true" : entry?.isRepeating == true ? #"["a=b", "c"]"# : "7"
        return "\"\(name)\": \(value)"
      }
      let arguments = try Self.expanded(
        [table.command], config: "{\(members.joined(separator: ", "))}")
      let again = StudyFile.options(arguments.dropFirst(), table, hiding: Secrets())
      #expect(Set(again.keys) == Set(names).subtracting(StudyFile.ofOneStart))
      let written = String(decoding: try StableJSON.encode(again), as: UTF8.self)
      let repeated = try Self.expanded([table.command], config: written)
      #expect(
        StudyFile.options(repeated.dropFirst(), table, hiding: Secrets()).count == again.count)
    }
  }

  @Test func keysAreNotWritten() throws {
    let table = try OptionTable(SweepCommand.self)
    let options = StudyFile.options(
      ["--endpoint", "https://me:geheim@host/v1?key=abcdef", "--header", "api-key=AZURE_KEY"],
      table,
      hiding: Secrets(["AZURE-SECRET"]))
    let text = String(decoding: try StableJSON.encode(options), as: UTF8.self)
    #expect(!text.contains("geheim") && !text.contains("abcdef"))
    #expect(text.contains("api-key"))
  }
}

/// The same with the program.
@Suite(.serialized) struct StudyFileCommandTests {
  private static func run(_ arguments: [String]) throws -> CommandLineTests.Result {
    try TrainingCommandTests.run(arguments)
  }

  /// Plan → file → the same plan, and a run of it that a further one repeats.
  @Test func aPlanIsAFileThatIsTheSamePlan() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let arguments = CommandLineTests.sweep(
      folder, "unused", ["--seed", "5", "--limit", "4", "--judge", "refusal,ngram", "--controls"])
    let planned = try Self.run(arguments + ["--plan", "--format", "json"])
    #expect(planned.status == 0, "\(planned.errors)")
    let file = try folder.write(planned.output, "study.json").path
    let again = try Self.run(["sweep", "--config", file, "--plan", "--format", "json"])
    #expect(again.output == planned.output, "\(again.errors)")
    let other = try Self.run([
      "sweep", "--config", file, "--limit", "3", "--plan", "--format", "json",
    ])
    #expect(other.output.contains("\"limit\" : 3"))
    for (run, more) in [("one", ["--config", file]), ("two", ["--from", "\(path)/one"])] {
      let made = try Self.run(["sweep", "-q", "-o", "\(path)/\(run)"] + more)
      #expect(made.status == 0, "\(made.errors)")
    }
    #expect(
      try CommandLineTests.responses(folder, "one") == CommandLineTests.responses(folder, "two"))
    func plan(_ run: String) throws -> NSDictionary {
      let data = try Data(contentsOf: folder.url.appending(path: "\(run)/run.json"))
      let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      return try #require(object["plan"] as? NSDictionary)
    }
    #expect(try plan("one") == plan("two"))
    // The record needs neither file nor run.
    let record = try String(
      contentsOf: folder.url.appending(path: "two/run.json"), encoding: .utf8)
    #expect(record.contains("--seed=5") && !record.contains("--from"))
  }

  @Test func aLandscapeIsAFileToo() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    _ = try TrainingCommandTests.dialogues(folder)
    try folder.write(#"{"dataset":"dialogues.jsonl","epochs":1,"rank":2}"#, "tuned.json")
    let planned = try Self.run([
      "landscape", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--grid", "2x2",
      "--rank", "2", "--attack", "train:\(path)/tuned.json", "--dataset", "\(path)/prompts.jsonl",
      "--plan", "--format", "json",
    ])
    #expect(planned.status == 0, "\(planned.errors)")
    let file = try folder.write(planned.output, "study.json").path
    let again = try Self.run(["landscape", "--config", file, "--plan", "--format", "json"])
    #expect(again.output == planned.output, "\(again.errors)")
    let wrong = try Self.run(["sweep", "--config", file, "--plan"])
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("expected a study of sweep"))
  }
}
