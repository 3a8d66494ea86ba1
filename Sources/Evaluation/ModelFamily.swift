import Checkpoints
import Foundation

/// What two models must share to be compared: the architecture and its size, not the weights.
enum ModelFamily {
  /// `llama, hidden size 576, 30 layers`, from a checkpoint's `config.json`; nil where it says too
  /// little.
  static func of(_ checkpoint: Checkpoint) -> String? {
    struct Fields: Decodable {
      var model_type: String
      var hidden_size: Int
      var num_hidden_layers: Int
    }
    let file = checkpoint.folder.appending(path: "config.json")
    guard let data = try? Data(contentsOf: file),
      let fields = try? JSONDecoder().decode(Fields.self, from: data)
    else { return nil }
    return "\(fields.model_type), hidden size \(fields.hidden_size), "
      + "\(fields.num_hidden_layers) layers"
  }
}
