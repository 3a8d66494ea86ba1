/// What servers are known to send.
extension ReplyKindTests {
  static let thoughts: [Case] =
    [
      "think", "thinking", "thought", "thoughts", "reasoning", "seed:think", "longcat_think",
      "inner_monologue", "scratchpad", "reflection", "antThinking", "THINK",
    ].flatMap { name in
      [
        Case.text("<\(name)>\nHm.\n</\(name)>\n\nNo.", no),
        Case.text(" <\(name)>Hm.</\(name)>No.", no), Case.text("<\(name)>Hm.", open),
        Case.text("<\(name)>Hm.", open, finish: "length"),
      ]
    } + [
      .text("[THINK]Hm.[/THINK]No.", no), .text("◁think▷Hm.◁/think▷No.", no),
      .text("<|begin_of_thought|>Hm.<|end_of_thought|>No.", no),
      .text(
        "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>No.<|END_RESPONSE|>", no),
      .text("<|channel>thought\nHm.<channel|>No.", no),
      .text("<details type=\"reasoning\" done=\"true\">Hm.</details>No.", no),
      .text("<think>Hm.</think><answer>No.</answer>", no),
      .text("Here is my thought process: Hm. Here is my response: No.", no),
      // Only the closing tag: the template wrote the opening one.
      .text("Hm.\n</think>\n\nNo.", no), .text("Hm.</think>No.", no),
      .text("Hm.</thinking>\nNo.", no),
      .text("Hm.[/THINK]No.", no), .text("Hm.</think>", open),
      .text("</think>No.", .says("No.", reasoning: "")),
      .text("<think>\n\n</think>\n\nNo.", .says("No.")),
      .text("<think>Hm.</think><think>Hm.</think>No.", .says("No.", reasoning: "Hm.\n\nHm.")),
      // Channels.
      .text(
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>No.",
        no),
      .text(
        "<|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>"
          + "<|start|>assistant<|channel|>final<|message|>No.<|return|>", no),
      .text("<|channel|>final<|message|>No.", .says("No.")),
      .text("<|channel|>analysis<|message|>Hm.", open, finish: "length"),
      .text("analysisHm.assistantfinalNo.", no),
      // Nothing of the kind.
      .text("No.", .says("No.")), .text("", .says("")),
      .text("Close it with `</think>` there.", .says("Close it with `</think>` there.")),
      .text("```\nHm.\n</think>\n```", .says("```\nHm.\n</think>\n```")),
      .text("[Thinking it over] No.", .says("[Thinking it over] No.")),
      .text("<b>No.</b>", .says("<b>No.</b>")),
      .text("No. <think>Hm.</think>", .says("No. <think>Hm.</think>")),
      .text("analysis of that: No.", .says("analysis of that: No.")),
    ]

  static let messages: [Case] = [
    .message("{\"content\":\"No.\",\"reasoning_content\":\"Hm.\"}", no),
    .message("{\"content\":\"No.\",\"reasoning\":\"Hm.\"}", no),
    .message("{\"content\":\"No.\",\"thinking\":\"Hm.\"}", no),
    .message(
      "{\"content\":\"No.\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"Hm.\"}]}",
      no),
    .message(
      "{\"content\":\"No.\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"Hm.\"}]}", no
    ),
    .message("{\"content\":\"No.\",\"reasoning\":\"Hm.\",\"reasoning_content\":\"Hm.\"}", no),
    .message("{\"content\":null,\"reasoning_content\":\"No.\"}", open),
    .message(
      "{\"content\":[{\"type\":\"text\",\"text\":\"N\"},{\"type\":\"text\",\"text\":\"o.\"}]}",
      .says("No.")),
    .message("{\"content\":[\"No.\"]}", .says("No.")),
    .message("{\"content\":[{\"type\":\"output_text\",\"text\":\"No.\"}]}", .says("No.")),
    .message("{\"content\":{\"type\":\"text\",\"text\":\"No.\"}}", .says("No.")),
    .message(
      "{\"content\":[{\"type\":\"reasoning\",\"reasoning\":\"Hm.\"},{\"type\":\"text\",\"text\":\"No.\"}]}",
      no),
    .message("{\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm.\"}]}", open),
    .message("{\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]}", .says("No.")),
    .message("{\"content\":\"\",\"refusal\":\"No.\"}", .says("No.")),
    .message("{\"refusal\":\"No.\"}", .says("No.")),
    .message("{\"content\":null,\"refusal\":null}", .fails("no-content")),
    .message("{\"content\":null,\"tool_calls\":[]}", .fails("no-content")),
    .message("null", .fails("no-choices")),
    .message("{\"content\":\"N\"}", .fails("filtered"), finish: "content_filter"),
    .message("{\"content\":\"\"}", .fails("filtered"), finish: "SAFETY"),
    .message("null", .fails("filtered"), finish: "PROHIBITED_CONTENT"),
    .message("{\"content\":\"\"}", .fails("filtered"), finish: "guardrail_intervened"),
    .message("{\"content\":\"\"}", .fails("filtered"), finish: "sensitive"),
    .message("{\"content\":\"\"}", .fails("filtered"), finish: "recitation"),
    .message("{\"content\":\"No.\"}", .fails("error-in-reply"), finish: "error"),
    .message("{\"content\":\"\"}", .fails("no-answer-within-limit"), finish: "length"),
  ]

  static let errors: [Case] = [
    .error(400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}", .fails("filtered")),
    .error(
      400,
      "{\"error\":{\"message\":\"m\",\"code\":null,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}",
      .fails("filtered")),
    .error(
      400, "{\"error\":{\"message\":\"Content Exists Risk\",\"type\":\"invalid_request_error\"}}",
      .fails("filtered")),
    .error(
      400,
      "{\"code\":\"data_inspection_failed\",\"message\":\"Input data may contain inappropriate content.\"}",
      .fails("filtered")),
    .error(
      400,
      "{\"error\":{\"code\":\"invalid_prompt\",\"message\":\"Your prompt was flagged as potentially violating our usage policy.\"}}",
      .fails("filtered")),
    .error(
      400, "{\"error\":{\"message\":\"Output blocked by content filtering policy\"}}",
      .fails("filtered")),
    .error(
      400,
      "{\"error\":[{\"code\":2016,\"message\":\"Prompt blocked due to security configurations\"}]}",
      .fails("filtered")),
    .error(
      403, "{\"error\":{\"message\":\"m\",\"metadata\":{\"flagged_input\":\"x\"}}}",
      .fails("filtered")),
    .error(
      403, "{\"code\":\"c\",\"error\":\"Content violates usage guidelines.\"}", .fails("filtered")),
    .error(
      422, "{\"detail\":\"The request was rejected by the safety system\"}", .fails("filtered")),
    .error(446, "{\"error\":{\"message\":\"The guardrail checks failed\"}}", .fails("filtered")),
    .error(451, "{}", .fails("filtered")),
    .error(200, "{\"error\":{\"code\":\"content_filter\",\"message\":\"m\"}}", .fails("filtered")),
    .error(200, "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}", .fails("filtered")),
    .error(
      200,
      "{\"choices\":null,\"base_resp\":{\"status_code\":1026,\"status_msg\":\"input new_sensitive\"}}",
      .fails("filtered")),
    .error(
      403, "{\"error\":{\"message\":\"Your account was flagged\"}}", .fails("http-403", fatal: true)
    ),
    .error(403, "{\"error\":{\"code\":\"invalid_api_key\"}}", .fails("http-403", fatal: true)),
    .error(
      401, "{\"error\":{\"message\":\"flagged by moderation\"}}", .fails("http-401", fatal: true)),
    .error(402, "{}", .fails("http-402", fatal: true)),
    .error(
      429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}",
      .fails("http-429", fatal: true)),
    .error(
      403, "{\"error\":{\"message\":\"Insufficient balance\"}}", .fails("http-403", fatal: true)),
    .error(
      400, "{\"error\":{\"message\":\"Your credit balance is too low\"}}",
      .fails("http-400", fatal: true)),
    .error(
      400, "{\"error\":{\"type\":\"budget_exceeded\",\"message\":\"Budget has been exceeded!\"}}",
      .fails("http-400", fatal: true)),
    .error(
      200, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}",
      .fails("error-in-reply", fatal: true)),
    .error(
      429,
      "{\"error\":{\"message\":\"You exceeded your current quota\",\"details\":[{\"retryDelay\":\"34s\"}]}}",
      .fails("http-429")),
    .error(429, "{\"error\":{\"message\":\"Rate limit reached\"}}", .fails("http-429")),
    .error(
      400, "[{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"API key not valid.\"}}]",
      .fails("http-400", fatal: true)),
    .error(
      400, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"m\"}}",
      .fails("http-400", fatal: true)),
    .error(
      400, "{\"error\":{\"message\":\"too long\",\"input\":\"a content filter\"}}",
      .fails("http-400")),
    .error(
      200, "{\"error\":{\"code\":502,\"message\":\"Provider returned error\"}}",
      .fails("error-in-reply")),
    .error(200, "{\"choices\":[]}", .fails("no-choices")),
    .error(200, "{\"choices\":null}", .fails("no-choices")),
  ]

  static let bodies: [Case] = [
    Case(
      "other type", type: "text/plain", "{\"choices\":[{\"message\":{\"content\":\"No.\"}}]}",
      .says("No.")),
    Case("no type", type: "", "{\"choices\":[{\"message\":{\"content\":\"No.\"}}]}", .says("No.")),
    Case("mark", "\u{FEFF}{\"choices\":[{\"message\":{\"content\":\"No.\"}}]}", .says("No.")),
    Case(
      "half a pair", "{\"choices\":[{\"message\":{\"content\":\"No \\ud83d\"}}]}",
      .says("No \u{FFFD}")),
    Case(
      "the other half", "{\"choices\":[{\"message\":{\"content\":\"\\udc00No\"}}]}",
      .says("\u{FFFD}No")),
    Case(
      "two first halves", "{\"choices\":[{\"message\":{\"content\":\"\\ud83d\\ud83d\\ude00\"}}]}",
      .says("\u{FFFD}😀")),
    Case("raw line end", "{\"choices\":[{\"message\":{\"content\":\"No\n.\"}}]}", .says("No\n.")),
    Case(
      "NaN", "{\"x\":NaN,\"choices\":[{\"message\":{\"content\":\"NaN\"}}],\"y\":-Infinity}",
      .says("NaN")),
    Case("cut", "{\"choices\":[{\"message\":{\"content\":\"No", .fails("malformed-reply")),
    Case("page", type: "text/html", "<html>No.</html>", .fails("wrong-content-type")),
    Case(
      "stream", type: "text/event-stream", "data: {\"choices\":[]}", .fails("wrong-content-type")),
    Case("a text", "\"No.\"", .fails("malformed-reply")),
    Case("nothing", "", .fails("malformed-reply")),
    Case(
      "index 1 alone", "{\"choices\":[{\"index\":1,\"message\":{\"content\":\"No.\"}}]}",
      .says("No.")),
    Case("deep", String(repeating: "[", count: 100_000), .fails("malformed-reply")),
  ]
}
