package import Foundation
import LinearAlgebra

extension LowRankUpdate {
  /// Writes the update as a GGUF LoRA adapter for llama.cpp's server (`--lora FILE`), in float32.
  ///
  /// Tensors have llama.cpp's names, and rows of q and k in Llama models its order. The rank is the
  /// largest; smaller ones are padded with zeros. llama.cpp multiplies by `adapter.lora.alpha` / rank,
  /// so that alpha = scale · rank makes the applied change `scale · left · right`; a request's own
  /// scale multiplies it further.
  ///
  /// - Parameters:
  ///   - file: the finished file; it appears only when complete. Folders above it are created.
  ///   - scale: for LoX the α of `W + α · Proj_k(ΔW)`.
  ///   - checkpoint: the model that the update changes: of one of `GGUFAdapter.modelTypes`.
  ///   - replaceExisting: whether a file of that name may be replaced.
  /// - Throws: `CheckpointError.adapter` where the update is empty, the model is of another kind, or
  ///   it changes what llama.cpp cannot: an embedding that is also the head, or another tensor than
  ///   the projections, embedding and head; `.fileSystem`.
  package func writeGGUF(
    to file: URL, scale: Double = 1, for checkpoint: Checkpoint, replaceExisting: Bool = false
  ) throws(CheckpointError) {
    let modules: [GGUFAdapter.Module]
    let architecture: String
    do throws(CheckpointError.AdapterFault) {
      guard !tensors.isEmpty else { throw .empty }
      let adapter = try GGUFAdapter(for: checkpoint)
      architecture = adapter.architecture
      modules = try adapter.modules(of: self)
    } catch {
      throw .adapter(folder: file.path, error)
    }
    var header = GGUFHeader()
    header.set("general.architecture", architecture)
    header.set("general.type", "adapter")
    header.set("general.name", file.deletingPathExtension().lastPathComponent)
    header.set("adapter.type", "lora")
    header.set("adapter.lora.alpha", Float(scale * Double(rank)))
    for module in modules {
      header.declare("\(module.name).lora_a", module.a, holdsExperts: module.holdsExperts)
      header.declare("\(module.name).lora_b", module.b, holdsExperts: module.holdsExperts)
    }
    let bytes = header.bytes
    let partial = try PartialOutput(
      .file, at: file, needed: bytes.count + header.dataSize, replaceExisting: replaceExisting)
    let output = try OutputFile(creating: partial.url.path)
    try unsafe output.write(bytes.span.bytes, at: 0)
    for (place, matrix) in zip(header.places, modules.flatMap { $0.a + $0.b }) {
      try unsafe output.write(matrix.elements.span.bytes, at: bytes.count + place)
    }
    try output.synchronize()
    try partial.commit()
  }
}

extension LowRankUpdate {
  /// Refuses tensors of a model whose change `writeGGUF` cannot write: before long work.
  ///
  /// - Throws: `CheckpointError.adapter`, as `writeGGUF` does.
  package static func checkGGUF(
    of tensors: [String], for checkpoint: Checkpoint
  ) throws(CheckpointError) {
    do throws(CheckpointError.AdapterFault) {
      let adapter = try GGUFAdapter(for: checkpoint)
      for name in tensors.sorted() { _ = try adapter.names(of: name) }
    } catch {
      throw .adapter(folder: checkpoint.folder.path, error)
    }
  }
}

/// The beginning of a GGUF file, version 3 (ggml's `gguf` specification): settings, then where each
/// tensor lies, up to where their data begin.
private struct GGUFHeader {
  private var settings: [UInt8] = []
  private var settingCount = 0
  private var declarations: [UInt8] = []
  private var tensorCount = 0
  /// Where each declared matrix lies, from the data's beginning.
  private(set) var places: [Int] = []
  private(set) var dataSize = 0

  private static let alignment = 32
  private static let stringType: UInt32 = 8
  private static let float32Type: UInt32 = 6

  mutating func set(_ key: String, _ value: String) {
    settingCount += 1
    settings += Self.bytes(key) + Self.bytes(Self.stringType) + Self.bytes(value)
  }

  mutating func set(_ key: String, _ value: Float) {
    settingCount += 1
    settings += Self.bytes(key) + Self.bytes(Self.float32Type) + Self.bytes(value.bitPattern)
  }

  /// A float32 matrix, or several of one shape as one tensor; dimensions are given innermost first.
  mutating func declare(_ name: String, _ matrices: [Matrix<Float>], holdsExperts: Bool) {
    guard let first = matrices.first else { return }
    let float32: UInt32 = 0
    tensorCount += 1
    let dimensions =
      [first.columns, first.rows] + (holdsExperts ? [matrices.count] : [])
    declarations += Self.bytes(name) + Self.bytes(UInt32(dimensions.count))
    for dimension in dimensions { declarations += Self.bytes(UInt64(dimension)) }
    declarations += Self.bytes(float32) + Self.bytes(UInt64(dataSize))
    for matrix in matrices {
      places.append(dataSize)
      dataSize += matrix.elements.count * 4
    }
    dataSize = Self.aligned(dataSize)
  }

  /// All of it, up to a multiple of the alignment.
  var bytes: [UInt8] {
    var result = [UInt8]("GGUF".utf8) + Self.bytes(UInt32(3))
    result += Self.bytes(UInt64(tensorCount)) + Self.bytes(UInt64(settingCount))
    result += settings + declarations
    return result + [UInt8](repeating: 0, count: Self.aligned(result.count) - result.count)
  }

  private static func aligned(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }

  private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }

  private static func bytes(_ text: String) -> [UInt8] {
    bytes(UInt64(text.utf8.count)) + [UInt8](text.utf8)
  }
}
