import Foundation
import Testing

@testable import Checkpoints
@testable import Support

/// SplitMix64: the same mutations in every run.
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite("Mutated safetensors files")
struct SafetensorsFuzzTests {
  private static let valid = safetensors(
    """
    {"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
    "b.weight":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},\
    "c":{"dtype":"I64","shape":[1],"data_offsets":[32,40]}}
    """, dataByteCount: 40)

  @Test("a mutated file opens or throws, and every tensor of one that opens can be read")
  func mutations() throws {
    let folder = try TemporaryFolder()
    var generator = SplitMix64(state: 20_250_614)
    var opened = 0
    var refused = 0
    for _ in 0..<1_000 {
      var bytes = Self.valid
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        mutate(&bytes, using: &generator)
      }
      let url = try folder.write(bytes, to: "x.safetensors")
      do throws(CheckpointError) {
        let file = try SafetensorsFile(url)
        opened += 1
        for tensor in file.tensors {
          #expect(tensor.byteRange.upperBound <= bytes.count)
          let sum = unsafe file.unsafeBytes(of: tensor).reduce(0) { $0 + Int($1) }
          #expect(sum >= 0)
          if tensor.dtype.elementType != nil {
            #expect(try file.floats(of: tensor).count == tensor.elementCount)
          }
        }
      } catch {
        refused += 1
        #expect(!error.description.isEmpty)
      }
    }
    // Both must happen, or the mutations test nothing.
    #expect(opened > 20)
    #expect(refused > 300)
  }

  private func mutate(_ bytes: inout [UInt8], using generator: inout SplitMix64) {
    guard !bytes.isEmpty else { return }
    let index = Int.random(in: 0..<bytes.count, using: &generator)
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
    case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 2: bytes.remove(at: index)
    case 3: bytes.insert(UInt8.random(in: 32..<127, using: &generator), at: index)
    case 4:
      // A digit for a digit: numbers that stay numbers reach the later checks.
      let digits = bytes.indices.filter { (48...57).contains(bytes[$0]) }
      if let digit = digits.randomElement(using: &generator) {
        bytes[digit] = UInt8.random(in: 48...57, using: &generator)
      }
    default: bytes.removeLast(Int.random(in: 0...min(8, bytes.count), using: &generator))
    }
  }
}
