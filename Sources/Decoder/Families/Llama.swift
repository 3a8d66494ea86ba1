extension DecoderFamily {
  /// Llama 1 to 3.3, and the many models that were given its name.
  static let llama = DecoderFamily(modelTypes: ["llama"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration)
    return settings.shape(block: settings.standardBlock)
  }
}
