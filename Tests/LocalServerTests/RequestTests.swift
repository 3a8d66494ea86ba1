import Decoder
import Foundation
import Support
import Testing

@testable import LocalServer

/// What requests say, and what is said of those that say it wrongly.
@Suite struct RequestTests {
  private static func fields(
    _ extra: String, _ form: RequestFields.Form = .chat
  ) throws -> RequestFields {
    let own =
      form == .chat
      ? "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]" : "\"prompt\":\"x\""
    let body = extra.isEmpty ? "{\(own)}" : "{\(own),\(extra)}"
    return try RequestFields(FieldReader(parsing: Data(body.utf8)), form: form)
  }

  /// Fields that change the answer and are not done, each at a value that would.
  @Test(arguments: [
    "\"ignore_eos\":true", "\"min_tokens\":4", "\"stop_token_ids\":[1]", "\"bad_words\":[\"a\"]",
    "\"chat_template\":\"x\"",
    "\"documents\":[{}]", "\"tool_choice\":\"required\"", "\"tools\":[{\"type\":\"function\"}]",
    "\"functions\":[{}]", "\"grammar\":\"root ::= a\"", "\"guided_json\":{\"a\":1}",
    "\"guided_regex\":\"a\"", "\"guided_choice\":[\"a\"]", "\"guided_grammar\":\"a\"",
    "\"structured_outputs\":{\"regex\":\"a\"}", "\"json_schema\":{\"type\":\"object\"}",
    "\"typical_p\":0.5", "\"tfs_z\":0.5", "\"mirostat\":2", "\"dynatemp_range\":0.5",
    "\"xtc_probability\":0.5", "\"dry_multiplier\":0.8", "\"repeat_penalty\":1.1",
    "\"no_repeat_ngram_size\":2", "\"use_beam_search\":true", "\"num_beams\":2",
    "\"length_penalty\":2", "\"allowed_token_ids\":[1]", "\"skip_special_tokens\":false",
    "\"include_stop_str_in_output\":true", "\"prompt_logprobs\":1", "\"echo\":true",
    "\"suffix\":\"x\"", "\"best_of\":2", "\"reasoning_effort\":\"high\"",
    "\"modalities\":[\"audio\"]", "\"max_new_tokens\":4", "\"n_predict\":4",
    "\"a_field_of_tomorrow\":1", "\"response_format\":{\"type\":\"json_object\"}",
    "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{}}}",
  ])
  func whatWouldChangeTheAnswerIsRefusedByName(field: String) throws {
    let name = String(field.dropFirst().prefix { $0 != "\"" })
    let error = try #require(throws: APIError.self) { try Self.fields(field) }
    #expect(error.status == 400)
    #expect(error.error.param == name)
    #expect(error.error.message.contains("\(name) is not supported"), "\(error.error.message)")
  }

  @Test(arguments: [
    "", "\"tools\":[]", "\"tool_choice\":\"auto\"", "\"tool_choice\":\"none\"",
    "\"functions\":[]", "\"logit_bias\":{}", "\"logit_bias\":null", "\"top_k\":0", "\"top_k\":-1",
    "\"min_p\":0", "\"repetition_penalty\":1", "\"repeat_penalty\":1.0",
    "\"frequency_penalty\":0.0", "\"presence_penalty\":0", "\"ignore_eos\":false",
    "\"min_tokens\":0", "\"stop_token_ids\":[]", "\"chat_template_kwargs\":{}", "\"grammar\":\"\"",
    "\"guided_json\":null", "\"response_format\":{\"type\":\"text\"}", "\"suffix\":\"\"",
    "\"echo\":false", "\"n\":1,\"best_of\":1", "\"logprobs\":false,\"top_logprobs\":0",
    "\"user\":\"me\",\"metadata\":{\"a\":\"b\"},\"store\":false", "\"cache_prompt\":true",
    "\"parallel_tool_calls\":true", "\"skip_special_tokens\":true", "\"stop\":[]", "\"stop\":null",
    "\"max_tokens\":4.0", "\"typical_p\":1", "\"mirostat\":0", "\"modalities\":[\"text\"]",
  ])
  func neutralFieldsAreTaken(field: String) throws {
    let fields = try Self.fields(field)
    #expect(fields.bias == .none)
    #expect(fields.topK == nil)
    #expect(fields.temperature == 1)
  }

  /// The field that is wrong, and nothing of this program's own types.
  @Test(arguments: [
    ("\"temperature\":\"hot\"", "temperature", "a number from 0 to 100, found the string"),
    ("\"temperature\":1e999", "temperature", "found the number 1e999"),
    ("\"max_tokens\":\"4\"", "max_tokens", "an integer of at least 1"),
    ("\"max_tokens\":1.5", "max_tokens", "found the number 1.5"),
    ("\"max_tokens\":99999999999999999999", "max_tokens", "an integer"),
    ("\"max_completion_tokens\":0", "max_completion_tokens", "at least 1"),
    ("\"top_p\":0", "top_p", "above 0 and up to 1"), ("\"top_k\":-2", "top_k", "at least -1"),
    ("\"min_p\":1.5", "min_p", "from 0 to 1"), ("\"seed\":\"x\"", "seed", "an integer"),
    ("\"n\":0", "n", "from 1 to 128"), ("\"stop\":[\"\"]", "stop", "none empty"),
    ("\"stop\":[1]", "stop", "an array of 1"), ("\"stream\":\"yes\"", "stream", "true or false"),
    ("\"stream_options\":[]", "stream_options", "an object"),
    ("\"logprobs\":\"yes\"", "logprobs", "true, false or an integer"),
    ("\"logprobs\":true,\"top_logprobs\":21", "top_logprobs", "from 0 to 20"),
    ("\"top_logprobs\":3", "top_logprobs", "needs logprobs"),
    ("\"lora\":{}", "lora", "a list of objects"), ("\"lora\":[1]", "lora[0]", "an object"),
    ("\"lora\":[{\"scale\":1}]", "lora[0].id", "an adapter's number"),
    ("\"lora\":[{\"id\":0,\"scale\":1e39}]", "lora[0].scale", "a number"),
    ("\"logit_bias\":{\"a\":1}", "logit_bias", "token ids"),
    ("\"logit_bias\":{\"1\":200}", "logit_bias.1", "from -100 to 100"),
    ("\"repetition_penalty\":0", "repetition_penalty", "above 0"),
    ("\"presence_penalty\":3", "presence_penalty", "from -2 to 2"),
    ("\"response_format\":{}", "response_format.type", "a string"),
    ("\"model\":5", "model", "a string"), ("\"seed\":1,\"seed\":2", "seed", "twice"),
    ("\"continue_final_message\":1", "continue_final_message", "true or false"),
    ("\"chat_template_kwargs\":[]", "chat_template_kwargs", "an object"),
    (
      "\"chat_template_kwargs\":{\"messages\":[]}", "chat_template_kwargs.messages",
      "the conversation is given"
    ),
    ("\"chat_template_kwargs\":{\"a b\":1}", "chat_template_kwargs.a b", "letters, digits"),
    (
      "\"continue_final_message\":true,\"add_generation_prompt\":true", "continue_final_message",
      "exclude each other"
    ),
  ])
  func errorsNameTheField(field: String, param: String, says: String) throws {
    let error = try #require(throws: APIError.self) { try Self.fields(field) }
    #expect(error.status == 400)
    #expect(error.error.param == param)
    #expect(error.error.message.contains(says), "\(error.error.message)")
    for word in ["Array<", "Dictionary", "Optional", "Int64", "Any"] {
      #expect(!error.error.message.contains(word), "\(error.error.message)")
    }
  }

  @Test(arguments: [
    ("\"x\"", "messages", "a list of messages"), ("[]", "messages", "at least one"),
    ("[1]", "messages[0]", "an object"), ("[{\"role\":\"user\"}]", "messages[0].content", "string"),
    ("[{\"content\":\"x\"}]", "messages[0].role", "found nothing"),
    ("[{\"role\":5,\"content\":\"x\"}]", "messages[0].role", "a string"),
    ("[{\"role\":\"tool\",\"content\":\"x\"}]", "messages[0].role", "system, user or assistant"),
    ("[{\"role\":\"user\",\"content\":5}]", "messages[0].content", "the number 5"),
    ("[{\"role\":\"user\",\"content\":null}]", "messages[0].content", "found nothing"),
    (
      "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]",
      "messages[0].content[0].type", "image_url"
    ),
    (
      "[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "messages[0].content[0].text",
      "found nothing"
    ),
    (
      "[{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[{}]}]",
      "messages[0].tool_calls", "not supported"
    ),
  ])
  func errorsNameTheMessage(messages: String, param: String, says: String) throws {
    let body = Data("{\"messages\":\(messages)}".utf8)
    let error = try #require(throws: APIError.self) {
      try RequestFields(FieldReader(parsing: body), form: .chat)
    }
    #expect(error.error.param == param)
    #expect(error.error.message.contains(says), "\(error.error.message)")
  }

  @Test func promptsAreTextsOrTokensOneOrMany() throws {
    func read(_ prompt: String) throws -> [String] {
      let body = Data("{\"prompt\":\(prompt)}".utf8)
      return try RequestFields(FieldReader(parsing: body), form: .text).prompts.map { "\($0)" }
    }
    #expect(try read("\"a\"") == ["text(\"a\")"])
    #expect(try read("[1,2]") == ["tokens([1, 2])"])
    #expect(try read("[\"a\",\"b\"]") == ["text(\"a\")", "text(\"b\")"])
    #expect(try read("[[1],[2,3]]") == ["tokens([1])", "tokens([2, 3])"])
    for (prompt, param) in [
      ("5", "prompt"), ("[\"a\",1]", "prompt[1]"), ("[1,\"a\"]", "prompt[1]"),
      ("[[1],\"a\"]", "prompt[1]"), ("[[1,\"a\"]]", "prompt[0]"), ("[true]", "prompt[0]"),
      ("[1.5]", "prompt[0]"), ("{}", "prompt"),
    ] {
      let error = try #require(throws: APIError.self) { try read(prompt) }
      #expect(error.error.param == param, "\(prompt)")
    }
    let many = "[" + [String](repeating: "\"a\"", count: 1_025).joined(separator: ",") + "]"
    #expect(throws: APIError.self) { try read(many) }
  }

  @Test(arguments: [
    "", "{", "[", "null", "[]", "\"x\"", "NaN", "{\"messages\":NaN}", "messages=x", "\0",
    "{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud83d\"}]}", "{}x",
    String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
  ])
  func bodiesThatAreNoObjectAreRefused(body: String) throws {
    let error = try #require(throws: APIError.self) {
      try RequestFields(FieldReader(parsing: Data(body.utf8)), form: .chat)
    }
    #expect(error.status == 400)
    #expect(error.error.message.contains("JSON object"))
  }
}
