import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Writing checkpoints")
struct CheckpointWriterTests {
  private static let declarations = [
    TensorDeclaration(name: "z \"quoted\" é", dtype: .float32, shape: [2]),
    TensorDeclaration(name: "half", dtype: .float16, shape: [1, 3]),
    TensorDeclaration(name: "none", dtype: .bfloat16, shape: [0, 4]),
    TensorDeclaration(name: "brain", dtype: .bfloat16, shape: [3]),
  ]

  @Test("a file is read back as written, whatever the order of writing")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "x.safetensors")
    let writer = try SafetensorsWriter(
      to: url, tensors: Self.declarations, metadata: ["format": "pt", "a": "\n"])
    try writer.write([1, 2, 3.0009765625], of: "half")
    #expect(writer.remaining == ["brain", "z \"quoted\" é"])
    try writer.write([1, -0.0, 1.00390625], of: "brain")
    try writer.write([0.1, .infinity], of: "z \"quoted\" é")
    try writer.finish()
    let file = try SafetensorsFile(url)
    #expect(file.tensors.map(\.name) == ["z \"quoted\" é", "half", "none", "brain"])
    #expect(file.tensors.map(\.shape) == [[2], [1, 3], [0, 4], [3]])
    #expect(file.metadata == ["format": "pt", "a": "\n"])
    #expect(file.tensors[0].byteRange.lowerBound.isMultiple(of: 8))
    #expect(try file.floats(of: file.tensors[0]) == [0.1, .infinity])
    // Halfway between two values: to the even one.
    #expect(try file.floats(of: file.tensors[1]) == [1, 2, 3])
    #expect(try file.floats(of: file.tensors[3]) == [1, 0, 1])
    #expect(folder.contents == ["x.safetensors"])
  }

  @Test("values longer than one piece of a conversion arrive whole")
  func longTensor() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "x.safetensors")
    let values = (0..<(1 << 18) + 77).map { Float($0 % 251) }
    let writer = try SafetensorsWriter(
      to: url,
      tensors: [TensorDeclaration(name: "a", dtype: .bfloat16, shape: [values.count])])
    try writer.write(values, of: "a")
    try writer.finish()
    let file = try SafetensorsFile(url)
    #expect(try file.floats(of: file.tensors[0]) == values)
  }

  @Test("an unfinished file stands beside under another name, and goes with its writer")
  func unfinished() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "x.safetensors")
    do {
      let writer = try SafetensorsWriter(to: url, tensors: Self.declarations)
      try writer.write([1, 2, 3], of: "half")
      #expect(folder.contents.count == 1)
      #expect(folder.contents[0].hasPrefix("x.safetensors.partial-"))
    }
    #expect(folder.contents == [])
  }

  @Test("an existing file is refused unless it may be replaced")
  func existingFile() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write("mine", to: "x.safetensors")
    #expect(throws: CheckpointError.fileSystem(.outputExists(path: url.path))) {
      try SafetensorsWriter(to: url, tensors: [])
    }
    let writer = try SafetensorsWriter(to: url, tensors: [], replaceExisting: true)
    #expect(try String(contentsOf: url, encoding: .utf8) == "mine")
    try writer.finish()
    #expect(try SafetensorsFile(url).tensors == [])
    #expect(folder.contents == ["x.safetensors"])
  }

  @Test("what the file system refuses is named with its path and reason")
  func refusals() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("x", to: "file")
    let below = file.appending(path: "x.safetensors")
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsWriter(to: below, tensors: [])
    }
    let description = try #require(error?.description)
    #expect(description.hasPrefix("cannot "))
    #expect(description.contains(file.path))
    #expect(description.hasSuffix("Not a directory"))

    let huge = TensorDeclaration(name: "a", dtype: .float32, shape: [1 << 50])
    let target = folder.url.appending(path: "huge")
    let full = #expect(throws: CheckpointError.self) {
      try CheckpointWriter(
        to: target, shards: [CheckpointWriter.ShardDeclaration(tensors: [huge])])
    }
    guard case .fileSystem(.notEnoughSpace(target.path, 1 << 52, _)) = full else {
      Issue.record("expected notEnoughSpace, found \(String(describing: full))")
      return
    }
    #expect(folder.contents == ["file"])
  }

  /// A source of two shards with files that are and are not to be copied.
  private static func source() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.writeTensors([("a", [2], [1, 2]), ("b", [1], [3])], to: "one.safetensors")
    try folder.writeTensors([("c", [1], [4])], to: "two.safetensors")
    try folder.write(
      """
      {"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"}}
      """, to: "model.safetensors.index.json")
    for name in [
      "config.json", "tokenizer.json", "tokenizer.model", "chat_template.jinja", "LICENSE",
    ] {
      try folder.write(name, to: name)
    }
    try folder.write("", to: "empty.txt")
    for name in [
      "pytorch_model.bin", "model.gguf", "pytorch_model.bin.index.json", ".hidden",
      "x.safetensors.partial-1", "adapter_config.json", "original/params.json",
    ] {
      try folder.write(name, to: name)
    }
    return folder
  }

  @Test("a folder keeps shards, order, dtypes and the files that are not weights")
  func likeAnother() throws {
    let source = try Self.source()
    let checkpoint = try Checkpoint(folder: source.url)
    let target = try TemporaryFolder()
    let output = target.url.appending(path: "new/model")
    let writer = try CheckpointWriter(to: output, like: checkpoint)
    try writer.write([5, 6], of: "a")
    try writer.copy("c", from: checkpoint)
    #expect(writer.remaining == ["b"])
    try writer.copy("b", from: checkpoint)
    #expect(!FileManager.default.fileExists(atPath: output.path))
    try writer.finish()

    let written = try Checkpoint(folder: output)
    #expect(written.shards.map(\.fileName) == ["one.safetensors", "two.safetensors"])
    #expect(written.shards.map { $0.tensors.map(\.name) } == [["a", "b"], ["c"]])
    #expect(try written.floats(named: "a") == [5, 6])
    #expect(try written.floats(named: "b") == [3])
    #expect(try written.floats(named: "c") == [4])
    #expect(
      target.contents == [
        "new", "new/model", "new/model/LICENSE", "new/model/chat_template.jinja",
        "new/model/config.json", "new/model/empty.txt",
        "new/model/model.safetensors.index.json", "new/model/one.safetensors",
        "new/model/tokenizer.json", "new/model/tokenizer.model", "new/model/two.safetensors",
      ])
    let index = try String(
      contentsOf: output.appending(path: "model.safetensors.index.json"), encoding: .utf8)
    #expect(
      index == """
        {
          "metadata": {
            "total_size": 16
          },
          "weight_map": {
            "a": "one.safetensors",
            "b": "one.safetensors",
            "c": "two.safetensors"
          }
        }

        """)
  }

  @Test("an abandoned folder leaves nothing, and nothing under its name meanwhile")
  func abandonedFolder() throws {
    let source = try Self.source()
    let checkpoint = try Checkpoint(folder: source.url)
    let target = try TemporaryFolder()
    do {
      let writer = try CheckpointWriter(
        to: target.url.appending(path: "model"), like: checkpoint)
      try writer.write([5, 6], of: "a")
      let top = try FileManager.default.contentsOfDirectory(atPath: target.url.path)
      #expect(top.count == 1 && top[0].hasPrefix("model.partial-"))
    }
    #expect(target.contents == [])
  }

  @Test("an existing folder is refused unless it may be replaced; an empty one is no obstacle")
  func existingFolder() throws {
    let source = try Self.source()
    let checkpoint = try Checkpoint(folder: source.url)
    let target = try TemporaryFolder()
    let output = target.url.appending(path: "model")
    try target.write("mine", to: "model/notes.txt")
    #expect(throws: CheckpointError.fileSystem(.outputExists(path: output.path))) {
      try CheckpointWriter(to: output, like: checkpoint)
    }
    func write(replaceExisting: Bool) throws {
      let writer = try CheckpointWriter(
        to: output, like: checkpoint, replaceExisting: replaceExisting)
      for name in checkpoint.tensorNames {
        try writer.copy(name, from: checkpoint)
      }
      try writer.finish()
    }
    try write(replaceExisting: true)
    #expect(!target.contents.contains("model/notes.txt"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: target.url.path) == ["model"])

    try FileManager.default.removeItem(at: output)
    try FileManager.default.createDirectory(at: output, withIntermediateDirectories: false)
    try write(replaceExisting: false)
    #expect(try Checkpoint(folder: output).digest() == checkpoint.digest())
  }

  @Test("a folder replaced by what was read from it keeps its values")
  func replacesItsSource() throws {
    let source = try Self.source()
    let checkpoint = try Checkpoint(folder: source.url)
    let writer = try CheckpointWriter(to: source.url, like: checkpoint, replaceExisting: true)
    try writer.write([7, 8], of: "a")
    try writer.copy("b", from: checkpoint)
    try writer.copy("c", from: checkpoint)
    try writer.finish()
    #expect(try checkpoint.floats(named: "a") == [1, 2])
    #expect(try Checkpoint(folder: source.url).floats(named: "a") == [7, 8])
  }

  @Test(
    "a copy is the same bytes as the file that the safetensors library wrote",
    .enabled(
      if: SharedMaterial.has("golden/tiny-llama/model.safetensors"),
      "needs shared/golden/tiny-llama: a file written by safetensors"))
  func identicalBytes() throws {
    let folder = SharedMaterial.folder.appending(path: "golden/tiny-llama")
    let checkpoint = try Checkpoint(folder: folder)
    let target = try TemporaryFolder()
    let output = target.url.appending(path: "copy")
    let writer = try CheckpointWriter(to: output, like: checkpoint)
    for name in checkpoint.tensorNames {
      try writer.write(checkpoint.floats(named: name), of: name)
    }
    try writer.finish()
    let file = "model.safetensors"
    #expect(
      try Data(contentsOf: output.appending(path: file))
        == Data(contentsOf: folder.appending(path: file)))
    #expect(!FileManager.default.fileExists(atPath: output.appending(path: "lora-initial").path))
  }
}
