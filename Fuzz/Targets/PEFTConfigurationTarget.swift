import Foundation

@testable import Checkpoints

/// A configuration that is accepted gives every module a rank above 0 and some scale, in a time that
/// does not depend on how its patterns are written.
struct PEFTConfigurationTarget: FuzzTarget {
  static let name = "peft-configuration"

  private static let modules = [
    "model.layers.0.self_attn.q_proj", "model.layers.17.mlp.down_proj", "lm_head", "",
    String(repeating: "a", count: 40) + ".b",
  ]

  func run(_ bytes: [UInt8]) {
    let configuration: PEFTConfiguration
    do throws(CheckpointError.AdapterFault) {
      configuration = try PEFTConfiguration(parsing: bytes)
    } catch {
      _ = "\(error)"
      return
    }
    for module in Self.modules {
      check(configuration.rank(of: module) > 0, "a rank is above 0")
      _ = configuration.scale(of: module)
    }
  }
}
