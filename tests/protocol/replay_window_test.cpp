#include "protocol/replay_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace penstock::protocol {
namespace {

constexpr std::uint64_t W = replay_window_size;
constexpr std::uint64_t top = ~std::uint64_t{0};
constexpr std::uint64_t M = std::uint64_t{1} << 48;

struct Case {
  int number;
  std::uint64_t sequence;
  bool fresh;
};

/// Runs the steps on one window, marking what is fresh.
void run(const std::vector<Case>& steps) {
  ReplayWindow window;
  for (const auto& step : steps) {
    const ReplayWindow before = window;
    EXPECT_EQ(window.fresh(step.sequence), step.fresh) << "case " << step.number;
    EXPECT_TRUE(window == before) << "asking changed something, case " << step.number;
    if (step.fresh) window.mark(step.sequence);
    EXPECT_FALSE(window.fresh(step.sequence)) << "after case " << step.number;
  }
}

TEST(Atk19, WindowTableStart) {
  run({{1, 0, true},    {2, 0, false},   {3, 1, true},     {4, 1, false},   {5, 9, true},    {6, 8, true},
       {7, 7, true},    {8, 7, false},   {9, 8, false},    {10, 9, false},  {11, 0, false},  {12, 2, true},
       {13, 63, true},  {14, 64, true},  {15, 65, true},   {16, 64, false}, {17, 63, false}, {18, 62, true},
       {19, 127, true}, {20, 128, true}, {21, 127, false}, {22, 126, true}, {23, 66, true},  {24, 6, true},
       {25, 10, true},  {26, 10, false}});
}

TEST(Atk19, WindowTableFirstNumberIsNotZero) {
  // Nothing was seen, and nothing below the first number is known to be old until the window says so.
  run({{27, W, true}, {28, 0, false}, {29, 1, true}, {30, 1, false}, {31, W - 1, true}, {32, W, false}});
  run({{33, W - 1, true},
       {34, 0, true},
       {35, 0, false},
       {36, W, true},
       {37, 0, false},
       {38, 1, true},
       {39, W - 1, false}});
  run({{40, top, true}, {41, top, false}, {42, 0, false}, {43, top - W, false}, {44, top - W + 1, true}});
}

TEST(Atk19, WindowTableExactEdges) {
  run({{45, 0, true},     {46, W - 1, true},     {47, 0, false},        {48, 1, true},      {49, W, true},
       {50, 0, false},    {51, 1, false},        {52, 2, true},         {53, W + 1, true},  {54, 1, false},
       {55, 2, false},    {56, 3, true},         {57, 2 * W, true},     {58, W, false},     {59, W + 1, false},
       {60, W + 2, true}, {61, 2 * W - 1, true}, {62, 2 * W + 1, true}, {63, W + 2, false}, {64, W + 3, true},
       {65, W + 3, false}});
}

TEST(Atk19, WindowTableJumps) {
  // A jump by one window, by the ring (one word more), by just under and over each: nothing of the old ring may remain.
  for (const std::uint64_t jump : {W - 1, W, W + 1, W + 63, W + 64, W + 65, 2 * W, 2 * (W + 64), M, M + 1}) {
    run({{66, 100, true},
         {67, 101, true},
         {68, 100 + jump, true},
         {69, 100 + jump, false},
         {70, 100 + jump - 1, true},
         {71, 100 + jump - W + 1, jump != W - 1 && jump != W},
         {72, 100 + jump - W, false},
         {73, 100, false},
         {74, 101, false},
         {75, 100 + jump + 1, true},
         {76, 100 + jump + 2 * W, true},
         {77, 100 + jump + 1, false},
         {78, 100 + jump + W + 1, true},
         {79, 100 + jump + W, false}});
  }
}

TEST(Atk19, WindowTableBackwards) {
  std::vector<Case> steps;
  for (std::uint64_t i = 0; i < W; ++i) steps.push_back({80, 3 * W - i, true});
  steps.push_back({81, 2 * W, false});
  steps.push_back({82, 2 * W + 1, false});
  steps.push_back({83, 3 * W, false});
  steps.push_back({84, 3 * W + 1, true});
  run(steps);
}

TEST(Atk19, WindowTableNearTheEndOfTheNumbers) {
  run({{85, top - 2 * W, true},  {86, top - W, true},   {87, top - 2 * W + 1, true},
       {88, top - 2 * W, false}, {89, top - 1, true},   {90, top - W, false},
       {91, top - W - 1, false}, {92, top, true},       {93, top, false},
       {94, top - 1, false},     {95, top - 2, true},   {96, top - W + 1, true},
       {97, top - W, false},     {98, 0, false},        {99, 1, false},
       {100, W, false},          {101, top / 2, false}, {102, top - 63, true},
       {103, top - 64, true},    {104, top - 64, false}});
}

TEST(Atk19, WindowTableWordBoundaries) {
  // Enter each word of the ring by its first, last and a middle bit, from each of them: case numbers are from × 1000 +
  // to.
  for (const std::uint64_t from : {0u, 1u, 31u, 62u, 63u}) {
    for (const std::uint64_t to : {0u, 1u, 31u, 62u, 63u}) {
      for (const std::uint64_t word : {std::uint64_t{0}, W / 64 - 1, W / 64, W / 64 + 1, (M / 64) - 1}) {
        const std::uint64_t start = word * 64 + from;
        const std::uint64_t next = (word + W / 64) * 64 + to;  // the same window's far end, or one past it
        const int number = static_cast<int>(from * 1000 + to);
        run({{number, start, true},
             {number, next, true},
             {number, start, false},
             {number, next, false},
             {number, next - W + 1, to + 1 != from},
             {number, next - W, false}});
      }
    }
  }
}

// ATK-26 where order is no rule: what was dropped is found out at the latest when it could come no more.
TEST(Atk19, WhatCanComeNoMoreIsLost) {
  ReplayWindow window;
  EXPECT_TRUE(window.complete());
  EXPECT_FALSE(window.loses(W - 1)) << "the first, and all before it may still come";
  EXPECT_TRUE(window.loses(W)) << "0 could not come any more";
  window.mark(0);
  EXPECT_TRUE(window.complete());
  window.mark(2);
  EXPECT_FALSE(window.complete());
  EXPECT_FALSE(window.loses(W));
  EXPECT_TRUE(window.loses(W + 1)) << "1";
  for (std::uint64_t i = 3; i < W; ++i) window.mark(i);
  EXPECT_FALSE(window.loses(W));
  EXPECT_TRUE(window.loses(W + 1));
  window.mark(1);
  EXPECT_TRUE(window.complete());
  EXPECT_FALSE(window.loses(2 * W - 1));
  EXPECT_TRUE(window.loses(2 * W)) << "W";
  EXPECT_TRUE(window.loses(top));
  EXPECT_FALSE(window.loses(5)) << "seen";
  // Round the ring several times, each in its turn but one.
  for (std::uint64_t i = W; i < 5 * W; ++i) {
    ASSERT_FALSE(window.loses(i)) << i;
    if (i != 4 * W + 17) window.mark(i);
  }
  EXPECT_FALSE(window.loses(5 * W + 16));
  EXPECT_TRUE(window.loses(5 * W + 17));
  EXPECT_FALSE(window.complete());
}

// What the window is meant to be, with nothing clever in it.
struct Model {
  std::set<std::uint64_t> seen;
  std::optional<std::uint64_t> highest;
  [[nodiscard]] bool fresh(std::uint64_t sequence, std::uint64_t size) const {
    if (seen.contains(sequence)) return false;
    return !highest || sequence > *highest || *highest - sequence < size;
  }
  [[nodiscard]] bool loses(std::uint64_t sequence, std::uint64_t size) const {
    if (sequence < size || !fresh(sequence, size)) return false;
    if (!highest) return true;
    for (auto n = *highest < size ? 0 : *highest - size + 1; n <= sequence - size; ++n) {
      if (!seen.contains(n)) return true;
    }
    return false;
  }
  [[nodiscard]] bool complete() const { return !highest || seen.size() == *highest + 1; }
  void mark(std::uint64_t sequence) {
    seen.insert(sequence);
    if (!highest || sequence > *highest) highest = sequence;
  }
  friend auto operator<=>(const Model&, const Model&) = default;
};

/// Every sequence of numbers of `base` … `base + values − 1`, of any length: all states that can be reached, each once.
template <std::uint64_t Size, unsigned WordBits>
std::size_t explore(std::uint64_t base, std::uint64_t values) {
  using Window = BasicReplayWindow<Size, WordBits>;
  using State = std::pair<Window, Model>;
  std::set<State> known{{}};
  std::vector<State> waiting{{}};
  while (!waiting.empty()) {
    const State state = waiting.back();
    waiting.pop_back();
    for (std::uint64_t i = 0; i < values; ++i) {
      const bool fresh = state.second.fresh(base + i, Size);
      if (state.first.fresh(base + i) != fresh) {
        ADD_FAILURE() << "window " << Size << "/" << WordBits << " differs from the model at " << base << " + " << i;
        return 0;
      }
      if (!fresh) continue;
      if (state.first.loses(base + i) != state.second.loses(base + i, Size)) {
        ADD_FAILURE() << "window " << Size << "/" << WordBits << " and the model lose another at " << base << " + " << i;
        return 0;
      }
      State next = state;
      next.first.mark(base + i);
      next.second.mark(base + i);
      if (next.first.complete() != next.second.complete()) {
        ADD_FAILURE() << "window " << Size << "/" << WordBits << " is complete, the model not, or the other way round, at " << base << " + " << i;
        return 0;
      }
      if (known.insert(next).second) waiting.push_back(std::move(next));
    }
  }
  return known.size();
}

TEST(Atk19, ExhaustiveAgainstAModelForSmallWindows) {
  for (const std::uint64_t base : {std::uint64_t{0}, std::uint64_t{1}, M - 6, top - 11}) {
    EXPECT_GT((explore<1, 1>(base, 12)), 1000u);
    EXPECT_GT((explore<2, 1>(base, 12)), 1000u);
    EXPECT_GT((explore<3, 1>(base, 12)), 1000u);
    EXPECT_GT((explore<2, 2>(base, 12)), 1000u);
    EXPECT_GT((explore<4, 1>(base, 12)), 1000u);
    EXPECT_GT((explore<4, 2>(base, 12)), 1000u);
    EXPECT_GT((explore<4, 4>(base, 12)), 1000u);
    EXPECT_GT((explore<6, 3>(base, 12)), 1000u);
    EXPECT_GT((explore<8, 4>(base, 12)), 1000u);
  }
}

/// Every sequence of exactly `depth` numbers, repetitions included.
template <std::uint64_t Size, unsigned WordBits>
void walk(const BasicReplayWindow<Size, WordBits>& window, const Model& model, std::uint64_t base, std::uint64_t values,
          int depth) {
  if (depth == 0) return;
  for (std::uint64_t i = 0; i < values; ++i) {
    const bool fresh = model.fresh(base + i, Size);
    ASSERT_EQ(window.fresh(base + i), fresh);
    if (!fresh) {
      walk(window, model, base, values, depth - 1);
      continue;
    }
    auto next_window = window;
    auto next_model = model;
    next_window.mark(base + i);
    next_model.mark(base + i);
    walk(next_window, next_model, base, values, depth - 1);
  }
}

TEST(Atk19, AllSequencesOfSixNumbers) {
  walk(BasicReplayWindow<4, 2>{}, {}, 0, 9, 6);
  walk(BasicReplayWindow<4, 2>{}, {}, top - 8, 9, 6);
}

TEST(Atk19, TheRealWindowAgainstTheModelOnRandomWalks) {
  for (const std::uint64_t start : {std::uint64_t{0}, M - 50 * W, top - 40 * W}) {
    std::mt19937_64 random(start + 1);
    ReplayWindow window;
    Model model;
    std::uint64_t centre = start;
    for (int i = 0; i < 100'000; ++i) {
      const std::uint64_t step = random() % 4096 == 0 ? random() % (3 * W) : random() % 3;
      centre += std::min(step, top - centre);
      const std::uint64_t spread = random() % (W + 200);
      const std::uint64_t sequence = centre > spread ? centre - spread : centre;
      const bool fresh = model.fresh(sequence, W);
      ASSERT_EQ(window.fresh(sequence), fresh) << "step " << i;
      if (!fresh) continue;
      window.mark(sequence);
      model.mark(sequence);
    }
  }
}

}  // namespace
}  // namespace penstock::protocol
