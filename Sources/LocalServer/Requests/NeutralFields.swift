import Support

/// Fields that would change the answer if they were heeded, and the values at which they would not.
///
/// What is not listed here and not read is refused too: only of what is known can it be known that
/// passing it over measures the right thing.
enum NeutralFields {
  /// Fields that say nothing about the answer: who asks, what is kept, how fast it shall go.
  private static let harmless: Set<String> = [
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_retention", "prediction", "parallel_tool_calls", "cache_prompt", "cache_salt",
    "id_slot", "request_id", "priority", "timings_per_token",
  ]

  /// Of each field the values that leave the answer as it is, beside null and empty ones.
  private static let neutral: [String: [JSONNode]] = [
    // Other samplers.
    "typical_p": [.number("1")], "tfs_z": [.number("1")], "top_a": [.number("0")],
    "mirostat": [.number("0")], "mirostat_tau": [], "mirostat_eta": [],
    "dynatemp_range": [.number("0")], "dynatemp_exponent": [.number("1")],
    "xtc_probability": [.number("0")], "xtc_threshold": [],
    "dry_multiplier": [.number("0")], "epsilon_cutoff": [.number("0")],
    "eta_cutoff": [.number("0")], "top_n_sigma": [.number("-1"), .number("0")],
    "repeat_penalty": [.number("1")], "repeat_last_n": [.number("0")],
    "no_repeat_ngram_size": [.number("0")], "encoder_repetition_penalty": [.number("1")],
    "penalty_alpha": [.number("0")], "guidance_scale": [.number("1")],
    "use_beam_search": [.boolean(false)], "num_beams": [.number("1")],
    "length_penalty": [.number("1")], "early_stopping": [.boolean(false)],
    // When a reply ends.
    "ignore_eos": [.boolean(false)], "min_tokens": [.number("0")],
    "min_new_tokens": [.number("0")], "min_length": [.number("0")],
    "include_stop_str_in_output": [.boolean(false)],
    // What the prompt is.
    "echo": [.boolean(false)], "add_special_tokens": [.boolean(false)],
    // What the reply looks like.
    "skip_special_tokens": [.boolean(true)],
    "spaces_between_special_tokens": [.boolean(true)], "prompt_logprobs": [],
    "return_token_ids": [.boolean(false)], "return_tokens_as_token_ids": [.boolean(false)],
    "return_tokens": [.boolean(false)], "n_probs": [.number("0")],
    "post_sampling_probs": [.boolean(false)], "modalities": [.array([.string("text")])],
    "verbosity": [.string("medium")], "reasoning_effort": [.string("none")],
    "include_reasoning": [.boolean(true)], "reasoning_format": [.string("none")],
    // Tools: without any, none is chosen.
    "tool_choice": [.string("none"), .string("auto")],
    "function_call": [.string("none"), .string("auto")],
  ]

  /// What to do instead, where there is something.
  private static let advice: [String: String] = [
    "repeat_penalty": "send repetition_penalty, which looks at the whole text",
    "max_new_tokens": "send max_tokens", "n_predict": "send max_tokens",
    "max_output_tokens": "send max_tokens", "max_length": "send max_tokens",
    "stop_token_ids": "send stop, with texts", "bad_words": "send logit_bias",
    "allowed_token_ids": "send logit_bias",
    "prompt_logprobs": "send echo and logprobs to "
      + "/v1/completions",
    "tools": "this server calls no tools", "functions": "this server calls no functions",
    "input": "send messages or prompt", "do_sample": "temperature 0 is greedy, above it samples",
  ]

  /// Refuses by name what is there, is none of `read`, and is not neutral.
  static func check(_ fields: FieldReader, read: Set<String>) throws(APIError) {
    for name in fields.names where !read.contains(name) && !harmless.contains(name) {
      guard let node = fields[name], !isEmpty(node) else { continue }
      let values = neutral[name] ?? []
      if values.contains(where: { equals($0, node) }) { continue }
      let path = fields.path(name)
      let only =
        values.isEmpty ? "" : ", only " + values.map(\.serialized).joined(separator: " or ")
      throw .invalid(
        "\(path) is not supported\(only): \(advice[name] ?? "leave it out")", param: path,
        code: "unsupported_field")
    }
  }

  private static func isEmpty(_ node: JSONNode) -> Bool {
    switch node {
    case .null, .string(""), .array([]), .object([]): true
    default: false
    }
  }

  /// As values, so that 1 and 1.0 are the same.
  private static func equals(_ left: JSONNode, _ right: JSONNode) -> Bool {
    if let left = left.double, let right = right.double { return left == right }
    return left == right
  }
}
