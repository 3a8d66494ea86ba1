// The LoX room; furnished by the files beside this one.
