import Checkpoints
import Foundation
import LinearAlgebra
import ModelAccess
import Support
import TestSupport
import Testing
import TinyModel

@testable import Studies

/// Models of a study that hold a change of full rank: each is what a checkpoint of its own would be.
@Suite struct MergedServersTests {
  /// The tiny study with what turns its model into another, of full rank.
  private struct DenseStudy {
    let study: TinyStudy
    let models: ModelsToServe
    /// That other model.
    let other: Checkpoint

    static let dense = ScaledUpdate(name: "expo", scale: 0.5)
    static let stacks: [[ScaledUpdate]] = [
      [], [dense], [ScaledUpdate(name: "attack", scale: 1)],
      [dense, ScaledUpdate(name: "attack", scale: 1)],
      [ScaledUpdate(name: "attack", scale: 1), ScaledUpdate(name: "expo", scale: 1)],
    ]

    init() throws {
      study = try TinyStudy()
      let folder = study.folder.url.appending(path: "other")
      try TinyModel.write(to: folder, seed: 9, from: (seed: 1, scale: 0.3))
      other = try Checkpoint(folder: folder)
      let dense = try DenseUpdate(from: study.models.checkpoint, to: other, identity: "tiny")
      var models = study.models
      models.updates = try StudyUpdates(
        models.updates.all + [NamedUpdate(name: "expo", update: .dense(dense))])
      models.variants = Self.stacks.enumerated().map {
        ModelsToServe.Variant(id: "m\($0)", stack: $1)
      }
      self.models = models
    }

    /// The reply of a stack written as a checkpoint and served alone.
    func replyOfItsOwn(_ stack: [ScaledUpdate]) async throws -> String {
      let place = study.folder.url.appending(path: "own-\(stack.label.hashValue)")
      try models.checkpoint.writeMerged(try models.updates.stack(stack), to: place)
      var alone = models
      alone.checkpoint = try Checkpoint(folder: place)
      alone.updates = try StudyUpdates([])
      alone.variants = [ModelsToServe.Variant(id: "alone", stack: [])]
      return try await EmbeddedServer().withServers(of: alone, events: ignoreEvents) {
        try await $0.model.complete(TinyStudy.request([])).text
      }
    }
  }

  @Test func theyAnswerAsCheckpointsOfTheirOwn() async throws {
    let study = try DenseStudy()
    let merged = study.models.run.appending(path: "merged")
    // Twice, so that the first is made again after others took its place.
    let stacks = DenseStudy.stacks + DenseStudy.stacks
    let replies = try await EmbeddedServer().withServers(of: study.models, events: ignoreEvents) {
      servers in
      var replies: [String] = []
      for stack in stacks {
        replies.append(try await servers.model.complete(TinyStudy.request(stack)).text)
        let kept = (try? FileManager.default.contentsOfDirectory(atPath: merged.path)) ?? []
        #expect(kept.count <= 3, "\(kept)")
      }
      return replies
    }
    #expect(Array(replies[..<5]) == Array(replies[5...]))
    #expect(Set(replies).count == 5)
    for (stack, reply) in zip(DenseStudy.stacks, replies) {
      #expect(try await study.replyOfItsOwn(stack) == reply, "\(stack.label)")
    }
    #expect(!FileManager.default.fileExists(atPath: merged.path))
  }

  /// Rounded to bfloat16 most of what a training in float32 changed would be gone.
  @Test func theyAreAskedInFloat32InEitherArithmetic() async throws {
    let study = try DenseStudy()
    func asked(as arithmetic: Arithmetic) async throws -> (replies: [String], build: String) {
      var models = study.models
      models.arithmetic = arithmetic
      return try await EmbeddedServer().withServers(of: models, events: ignoreEvents) { servers in
        var replies: [String] = []
        for stack in DenseStudy.stacks {
          // Words enough for rounding to change one.
          var text = ""
          for number in 0..<12 {
            var request = TinyStudy.request(stack)
            request.messages = [ChatMessage(role: .user, content: "Hello, number \(number)?")]
            request.decoding.maxTokens = 100
            text += try await servers.model.complete(request).text
          }
          replies.append(text)
        }
        return (replies, servers.build)
      }
    }
    let (exact, rounded) = (try await asked(as: .float32), try await asked(as: .bfloat16))
    for (place, stack) in DenseStudy.stacks.enumerated()
    where stack.contains(where: { $0.name == "expo" }) {
      #expect(rounded.replies[place] == exact.replies[place], "\(stack.label)")
    }
    // The others are rounded, and this model is one that rounding changes.
    #expect(rounded.replies != exact.replies)
    #expect(rounded.build.contains("+float32") && !exact.build.contains("+float32"))
  }

  @Test func manyAtATimeGetTheirOwnAnswers() async throws {
    let study = try DenseStudy()
    let replies = try await EmbeddedServer().withServers(of: study.models, events: ignoreEvents) {
      servers in
      try await withThrowingTaskGroup(of: (Int, String).self) { group in
        for index in 0..<20 {
          group.addTask {
            let stack = DenseStudy.stacks[index % 5]
            return (index % 5, try await servers.model.complete(TinyStudy.request(stack)).text)
          }
        }
        return try await group.reduce(into: [Int: Set<String>]()) {
          $0[$1.0, default: []].insert($1.1)
        }
      }
    }
    #expect(replies.values.allSatisfy { $0.count == 1 })
    #expect(Set(replies.values.flatMap(\.self)).count == 5)
  }

  /// One that is asked again while it is being closed is opened once it has gone, whole.
  @Test func modelsThatTakeTurnsAreClosedAndOpenedAgain() async throws {
    let study = try DenseStudy()
    var models = study.models
    let stacks = (1...5).map { [ScaledUpdate(name: "expo", scale: Double($0) / 5)] }
    models.variants = stacks.enumerated().map { ModelsToServe.Variant(id: "m\($0)", stack: $1) }
    let replies = try await EmbeddedServer().withServers(of: models, events: ignoreEvents) {
      servers in
      try await withThrowingTaskGroup(of: (Int, String).self) { group in
        var found: [Int: Set<String>] = [:]
        for turn in 0..<120 {
          // Three at a time, of five.
          if turn >= 3, let (index, text) = try await group.next() {
            found[index, default: []].insert(text)
          }
          let index = turn * 2 % 5
          group.addTask {
            (index, try await servers.model.complete(TinyStudy.request(stacks[index])).text)
          }
        }
        return try await group.reduce(into: found) { $0[$1.0, default: []].insert($1.1) }
      }
    }
    #expect(replies.count == 5 && replies.values.allSatisfy { $0.count == 1 })
  }

  /// At scale 1 what turns one checkpoint into another gives that other to the bit.
  @Test func theWholeDifferenceGivesTheOtherModel() throws {
    let study = try DenseStudy()
    let place = study.study.folder.url.appending(path: "whole")
    try study.models.checkpoint.writeMerged(
      try study.models.updates.stack([ScaledUpdate(name: "expo", scale: 1)]), to: place)
    let written = try Checkpoint(folder: place)
    for name in study.other.tensorNames {
      #expect(try written.floats(named: name) == study.other.floats(named: name), "\(name)")
    }
  }

  /// What a training left as a checkpoint is served from there.
  @Test func aModelThatStandsAlreadyIsNotMerged() async throws {
    let study = try DenseStudy()
    var models = study.models
    let dense = try DenseUpdate(from: models.checkpoint, to: study.other, identity: "full")
    models.updates = try StudyUpdates([
      NamedUpdate(
        name: "full", update: .dense(dense),
        outcome: NamedUpdate.Outcome(of: models.digest, checkpoint: study.other))
    ])
    let stack = [ScaledUpdate(name: "full", scale: 1)]
    models.variants = [ModelsToServe.Variant(id: "full", stack: stack)]
    let merged = models.run.appending(path: "merged")
    let reply = try await EmbeddedServer().withServers(of: models, events: ignoreEvents) {
      let reply = try await $0.model.complete(TinyStudy.request(stack)).text
      #expect(!FileManager.default.fileExists(atPath: merged.path))
      return reply
    }
    models.checkpoint = study.other
    models.variants = [ModelsToServe.Variant(id: "alone", stack: [])]
    models.updates = try StudyUpdates([])
    let own = try await EmbeddedServer().withServers(of: models, events: ignoreEvents) {
      try await $0.model.complete(TinyStudy.request([])).text
    }
    #expect(reply == own)
    #expect(FileManager.default.fileExists(atPath: study.other.folder.path))
  }

  @Test func serversOfAdaptersRefuseThem() throws {
    let study = try DenseStudy()
    #expect(throws: StudyError.denseUpdate(server: "vLLM", update: "expo")) {
      try study.models.requireLinearUpdates(server: "vLLM")
    }
    #expect(throws: StudyError.denseUpdate(server: "vLLM", update: "expo")) {
      _ = try study.models.updates.lowRankStack([DenseStudy.dense], for: "vLLM")
    }
  }

  @Test func aStackIsSplitBehindItsLastDenseUpdate() throws {
    let updates = try DenseStudy().models.updates
    let (attack, dense) = (ScaledUpdate(name: "attack", scale: 1), DenseStudy.dense)
    #expect(try updates.split([]).merged.isEmpty)
    #expect(try updates.split([attack]).rest == [attack])
    #expect(try updates.split([dense, attack]).merged == [dense])
    #expect(try updates.split([attack, dense]).merged == [attack, dense])
  }
}
