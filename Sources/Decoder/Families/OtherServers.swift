/// Servers that run what the embedded decoder does not, as far as is known.
enum OtherServers {
  private static let byModelType = [
    "gpt_oss": "vLLM, llama.cpp or Ollama",
    "qwen3_next": "vLLM or SGLang", "qwen3_5": "vLLM or SGLang", "qwen3_5_text": "vLLM or SGLang",
    "qwen3_5_moe": "vLLM or SGLang",
    "gemma3n": "vLLM or llama.cpp", "gemma3n_text": "vLLM or llama.cpp",
    "gemma4": "vLLM or llama.cpp", "gemma4_text": "vLLM or llama.cpp",
    "qwen2_vl": "vLLM", "qwen2_5_vl": "vLLM", "qwen3_vl": "vLLM", "mllama": "vLLM",
    "llama4": "vLLM or llama.cpp", "deepseek_v2": "vLLM or SGLang", "deepseek_v3": "vLLM or SGLang",
  ]

  static func of(modelType: String) -> String {
    byModelType[modelType] ?? "another server, such as vLLM or llama.cpp's,"
  }
}
