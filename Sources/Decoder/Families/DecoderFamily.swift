/// A family of decoders: how its `config.json` becomes a shape.
///
/// To add one, write a file beside this one and add it to `all`.
package struct DecoderFamily: Sendable {
  /// The `model_type`s that are read so.
  package let modelTypes: [String]
  let shape: @Sendable (ModelConfiguration) throws(DecoderError) -> DecoderShape

  /// Every family that the decoder computes.
  package static let all: [DecoderFamily] = [
    .llama, .mistral, .qwen2, .qwen3, .gemma, .gemma2, .gemma3, .olmo2, .olmo3, .smolLM3, .granite,
  ]

  /// The shape of the model that a `config.json` describes.
  ///
  /// - Throws: `DecoderError` where the family is unknown, or a setting is out of range or of a
  ///   kind that the family does not read.
  package static func shape(
    of configuration: ModelConfiguration
  ) throws(DecoderError) -> DecoderShape {
    let type = try configuration.text(CommonSettings.Key.modelType.rawValue)
    guard let type, let family = all.first(where: { $0.modelTypes.contains(type) }) else {
      throw .unsupportedArchitecture(file: configuration.file, found: type ?? "none")
    }
    return try family.shape(configuration)
  }
}
