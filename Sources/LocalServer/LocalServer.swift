// The LocalServer room; furnished by the files beside this one.
