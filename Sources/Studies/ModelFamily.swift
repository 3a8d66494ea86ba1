import Checkpoints
import Foundation
import Support

/// What two models must share to be compared: the architecture and its size, not the weights.
enum ModelFamily {
  /// `llama, hidden size 576, 30 layers`, from a checkpoint's `config.json`; nil where it says too
  /// little.
  static func of(_ checkpoint: Checkpoint) -> String? {
    struct Fields: Decodable {
      var modelType: String
      var hiddenSize: Int
      var layers: Int

      enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case hiddenSize = "hidden_size"
        case layers = "num_hidden_layers"
      }
    }
    let file = checkpoint.folder.appending(path: "config.json")
    guard let data = try? InputFile(file, .settings).body,
      let fields = try? JSONDecoder().decode(Fields.self, from: data)
    else { return nil }
    return "\(fields.modelType), hidden size \(fields.hiddenSize), \(fields.layers) layers"
  }
}
