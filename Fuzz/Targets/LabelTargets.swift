import Foundation
import Runs
import Scoring
import Support

/// A set of labelled replies: what is read is written so that it reads the same, and judges measured by it
/// have shares.
struct LabelledSetTarget: FuzzTarget {
  static let name = "labelled-replies"

  private let scratch = ScratchFolder()

  func run(_ bytes: [UInt8]) {
    let set: LabelledSet
    do throws(FileError) {
      set = try LabelledSet(scratch.write(bytes, to: "replies.jsonl"))
    } catch {
      _ = error.description
      return
    }
    check(!set.replies.isEmpty, "a set has replies")
    check(Set(set.replies.map(\.id)).count == set.replies.count, "ids differ")
    let judge = RefusalJudge()
    let verdicts = set.replies.prefix(20).map {
      (
        label: $0.label,
        verdict: judge.judgement(of: $0.judged).verdict
      )
    }
    let quality = JudgeQuality(
      judge: RefusalJudge.name, configuration: judge.configuration, dataset: set.name,
      digest: set.digest, pairs: verdicts)
    for share in [quality.sensitivity.rate, quality.specificity.rate] {
      check(share.map { (0...1).contains($0) } ?? true, "a share lies between none and all")
    }
    do {
      let lines = try set.replies.map { String(decoding: try StableJSON.encode($0), as: UTF8.self) }
      let again = try LabelledSet(
        scratch.write(Data(lines.joined(separator: "\n").utf8), to: "again.jsonl"))
      check(again.replies == set.replies, "replies come back as they were")
    } catch {
      check(false, "what was read can be written: \(error)")
    }
  }
}

/// Labels of a run's own replies: what is read belongs to the run, and a label can be changed and is found again.
struct LabelFileTarget: FuzzTarget {
  static let name = "labels"

  private let scratch = ScratchFolder()
  private let manifest: RunManifest
  private let samples: [Sample]

  /// The run is that of a manifest's and a journal's seeds.
  init() {
    let seeds = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpora")
    do {
      for (seed, name) in [("manifest", "run.json"), ("journal", "samples.jsonl")] {
        _ = scratch.write(
          try Data(contentsOf: seeds.appending(path: "\(seed)/first-release")), to: name)
      }
      manifest = try RunManifest.read(from: scratch.url)
      samples = try Journal.samples(folder: scratch.url, plan: manifest.plan)
    } catch {
      fatalError("no run: \(error)")
    }
  }

  func run(_ bytes: [UInt8]) {
    // Nobody guesses a digest: an input names the run and its first reply by RUN and REPLY.
    let text = String(decoding: bytes, as: UTF8.self).replacing("RUN", with: manifest.identity)
      .replacing("REPLY", with: samples.first?.responseDigest ?? "")
    let url = scratch.write(Data(text.utf8), to: "labels.jsonl")
    var file: LabelFile
    do throws(LabelError) {
      file = try LabelFile(url, of: manifest, samples: samples, mayBeMissing: true)
    } catch {
      _ = error.description
      return
    }
    let keys = Set(samples.map(\.key))
    check(file.labels.allSatisfy { keys.contains($0.key) }, "every label is of a reply of the run")
    check(Set(file.labels.map(\.key)).count == file.labels.count, "no reply has two labels")
    guard let sample = samples.first else { return }
    do {
      try file.set(.refused, of: sample, run: manifest.identity)
      let again = try LabelFile(url, of: manifest, samples: samples)
      check(again.labels == file.labels, "labels come back as they were")
    } catch {
      check(false, "what was read can be written: \(error)")
    }
  }
}
