// The LanguageModel room; furnished by the files beside this one.
