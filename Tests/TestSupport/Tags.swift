package import Testing

extension Tag {
  /// Runs a model of 135 million parameters; needs the folder that `LOXEVAL_SMOLLM2` names.
  @Tag package static var realModel: Self

  /// Compares with a program that others wrote, such as transformers or PEFT.
  @Tag package static var peer: Self
}
