import Foundation
import ModelAccess
import Scoring
import StudyDesign
import TestSupport
import Testing
import TinyRun

@testable import Runs

/// What a later line of a journal may say of a sample that stands there already.
@Suite struct JournalLineTests {
  private static let failed = Failure(ErrorCode(rawValue: "timeout"), "too slow")

  private static func sample(_ change: (inout Sample) -> Void = { _ in }) -> Sample {
    let cell = makeManifest().0.plan.cells[0]
    var sample = Sample(
      cell: cell.id, id: "a", category: "c", prompt: "p", judge: "refusal",
      judgements: ["refusal": Judgement(verdict: .refused)], response: "no", finishReason: "stop",
      attempts: 1)
    change(&sample)
    return sample
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var first: Sample
    var second: Sample
    /// nil where the second line may stand.
    var objection: String?
  }

  static let cases: [Case] = [
    Case(
      testDescription: "a request that failed is made again",
      first: sample {
        $0.failure = failed
        ($0.judgements, $0.response) = ([:], "")
      }, second: sample(), objection: nil),
    Case(
      testDescription: "a judge that failed is asked again",
      first: sample {
        $0.judgements["rubric"] = Judgement(verdict: .unscored, failure: failed)
      }, second: sample { $0.judgements["rubric"] = Judgement(verdict: .complied) }, objection: nil),
    Case(
      testDescription: "a judged reply is not replaced", first: sample(),
      second: sample { $0.judgements["refusal"] = Judgement(verdict: .complied) },
      objection: "was journalled before;"),
    Case(
      testDescription: "nor by another reply where a judge failed",
      first: sample {
        $0.judgements["rubric"] = Judgement(verdict: .unscored, failure: failed)
      },
      second: sample {
        $0.response = "yes"
        $0.judgements["rubric"] = Judgement(verdict: .complied)
      }, objection: "with another reply"),
    Case(
      testDescription: "nor by a failed request",
      first: sample {
        $0.judgements["rubric"] = Judgement(verdict: .unscored, failure: failed)
      },
      second: sample {
        $0.failure = failed
        ($0.judgements, $0.response) = ([:], "")
      }, objection: "with another reply"),
    Case(
      testDescription: "nor a verdict that another judge had given",
      first: sample {
        $0.judgements["rubric"] = Judgement(verdict: .unscored, failure: failed)
      },
      second: sample {
        $0.judgements = [
          "refusal": Judgement(verdict: .complied), "rubric": Judgement(verdict: .complied),
        ]
      }, objection: "refusal had judged it otherwise"),
    Case(
      testDescription: "a failed request is not replaced by another prompt's",
      first: sample {
        $0.failure = failed
        ($0.judgements, $0.response) = ([:], "")
      }, second: sample { $0.prompt = "q" }, objection: "another prompt"),
  ]

  @Test(arguments: cases)
  func onlyWhatFailedIsReplaced(_ lines: Case) throws {
    let folder = try TemporaryFolder()
    let plan = makeManifest().0.plan
    try folder.write(
      String(decoding: try Journal.lines(of: [lines.first, lines.second]), as: UTF8.self),
      "samples.jsonl")
    if let objection = lines.objection {
      let error = #expect(throws: RunError.self) {
        _ = try Journal.samples(folder: folder.url, plan: plan)
      }
      #expect(error?.description.contains(objection) == true, "\(String(describing: error))")
    } else {
      #expect(try Journal.samples(folder: folder.url, plan: plan) == [lines.second])
    }
  }

  /// One id asks one thing, whichever model it is asked of.
  @Test func cellsOfASetHaveEqualPrompts() throws {
    let manifest = makeManifest(prompts: 2).0
    var samples = manifest.plan.cells.flatMap { cell in
      (0..<2).map { number in
        Self.sample { ($0.cell, $0.id, $0.prompt) = (cell.id, "p\(number)", "prompt \(number)") }
      }
    }
    let folder = try TemporaryFolder()
    let journal = try Journal(folder: folder.url, plan: manifest.plan)
    for sample in samples.dropLast() { try journal.append(sample) }
    samples[samples.count - 1].prompt += " please"
    let error = #expect(throws: RunError.self) { try journal.append(samples[samples.count - 1]) }
    #expect(error?.description.contains("another prompt than other cells") == true)
  }
}
