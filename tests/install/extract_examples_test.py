#!/usr/bin/python3
"""What scripts/extract_examples.py takes, and what it refuses."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import extract_examples  # noqa: E402

GOOD = """Text
<!-- example: server -->

```cpp
int main() {
  return 0;
}
```
```cpp
not marked
```
  <!-- example: CMakeLists.txt -->
  ```cmake
  project(X)
    indented
  ```
````md
<!-- example: shown, not meant -->
<!-- example: quoted -->
````
"""


class Extract(unittest.TestCase):
    def test_marked_blocks_are_taken_and_others_are_not(self):
        self.assertEqual(extract_examples.examples(GOOD), {
            "server.cpp": "int main() {\n  return 0;\n}\n",
            "CMakeLists.txt": "project(X)\n  indented\n",
        })

    def refused(self, text, why):
        with self.assertRaisesRegex(extract_examples.PageError, why):
            extract_examples.examples(text)

    def test_mark_without_block(self):
        self.refused("<!-- example: a -->\ntext\n", "not followed")
        self.refused("<!-- example: a -->\n", "not followed")

    def test_block_without_end(self):
        self.refused("<!-- example: a -->\n```cpp\nint x;\n", "does not end")

    def test_same_name_twice(self):
        self.refused("<!-- example: a -->\n```cpp\n```\n" * 2, "comes twice")

    def test_unknown_language(self):
        self.refused("<!-- example: a -->\n```cobol\n```\n", "cobol")


if __name__ == "__main__":
    unittest.main()
