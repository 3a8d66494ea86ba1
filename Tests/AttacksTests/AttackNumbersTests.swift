import Foundation
import TestSupport
import Testing

@testable import Attacks

/// Every number of a recipe has a range, wherever it is written.
@Suite struct AttackNumbersTests {
  @Test(arguments: [
    "rank", "alpha", "dropout", "learning_rate", "warmup_steps", "epochs", "max_steps",
    "batch_size", "gradient_accumulation", "max_gradient_norm", "weight_decay", "beta1", "beta2",
    "epsilon", "preference_beta", "max_length",
  ])
  func extremeNumbersOfARecipeAreRefusedByName(key: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(TrainedAttackTests.line, "set.jsonl")
    for number in [
      "-1", "1e300", "-1e300", "2147483648", "9223372036854775807", "-9223372036854775808", "1e19",
    ] {
      let file = try folder.write(#"{"dataset":"set.jsonl","\#(key)":\#(number)}"#, "a.json")
      let error = #expect(throws: AttackError.self, "\(key) \(number)") {
        _ = try AttackFile.training(file, seed: 0) { URL(filePath: $0) }
      }
      #expect(error?.description.contains("\(file.path): ") == true)
      let says = error?.description.contains("\(key): expected") == true
      #expect(says, "\(String(describing: error))")
    }
  }

  @Test(arguments: [
    (#""method":"full","energy":2"#, "energy: expected a number above 0 and up to 1, found 2"),
    (#""method":"full","energy":0"#, "energy: expected"),
    (#""method":"full","maximum_rank":0"#, "maximum_rank: expected a whole number from 1 to 65536"),
    (#""method":"full","maximum_rank":2147483648"#, "maximum_rank: expected"),
    (#""max_steps":1e99"#, "max_steps: expected a whole number from 1 to 1000000000, found 1e+99"),
    (#""warmup_steps":2.5"#, "warmup_steps: expected a whole number from 0"),
    (#""seed":-1"#, "seed: expected a whole number from 0 to 18446744073709551615, found -1"),
    (#""epochs":100001"#, "epochs: expected a whole number from 1 to 100000, found 100001"),
  ])
  func theRangeIsSaid(settings: String, naming: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(TrainedAttackTests.line, "set.jsonl")
    let file = try folder.write(#"{"dataset":"set.jsonl",\#(settings)}"#, "a.json")
    let error = #expect(throws: AttackError.self) {
      _ = try AttackFile.training(file, seed: 0) { URL(filePath: $0) }
    }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }

  @Test(arguments: ["0", "-1", "1001", "1e300", "nan", "inf", "1e-400", "x"])
  func strengthsHaveARange(text: String) {
    let specification = AttackSpecification(seed: 0) { URL(filePath: $0) }
    #expect(throws: AttackError.self) {
      _ = try specification.parse("synthetic-harmful:\(text)")
    }
  }
}
