//===- ConfigTest.cpp - Reading the environment ---------------------------===//

#include "runtime/Config.h"

#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>
#include <sched.h>

using namespace tessera;

static llvm::Expected<Config> read(std::vector<const char *> environment) {
  environment.push_back(nullptr);
  return Config::fromList(environment.data());
}

static Config readGood(std::vector<const char *> environment) {
  return llvm::cantFail(read(std::move(environment)));
}

static std::string messageOf(std::vector<const char *> environment) {
  llvm::Expected<Config> config = read(std::move(environment));
  return config ? "no error" : llvm::toString(config.takeError());
}

TEST(Config, HasDefaultsWithoutEnvironment) {
  Config config = readGood({});
  EXPECT_TRUE(config.cache);
  EXPECT_EQ(config.cacheDir, "");
  EXPECT_TRUE(config.cacheLayers.empty());
  EXPECT_EQ(config.cacheLimit, uint64_t(1) << 30);
  EXPECT_EQ(config.dump, "");
  EXPECT_EQ(config.threads, 0u);
  EXPECT_EQ(config.log, LogLevel::Warn);
  EXPECT_FALSE(config.help);
  EXPECT_TRUE(llvm::cantFail(Config::fromList(nullptr)).cache);
}

TEST(Config, FindsTheCacheFolder) {
  EXPECT_EQ(readGood({"HOME=/h"}).cacheDir, "/h/.cache/tessera");
  EXPECT_EQ(readGood({"HOME=/h", "XDG_CACHE_HOME=/x"}).cacheDir, "/x/tessera");
  EXPECT_EQ(readGood({"HOME=/h", "XDG_CACHE_HOME=x"}).cacheDir, "/h/.cache/tessera");
  EXPECT_EQ(readGood({"XDG_CACHE_HOME=/x", "TESSERA_CACHE_DIR=/c"}).cacheDir, "/c");
  EXPECT_TRUE(llvm::StringRef(readGood({"TESSERA_CACHE_DIR=c"}).cacheDir).starts_with("/"));
}

TEST(Config, ReadsEveryVariable) {
  Config config =
      readGood({"TESSERA_CACHE=off", "TESSERA_CACHE_LAYERS=/a:/b", "TESSERA_CACHE_LIMIT=3M",
                "TESSERA_DUMP=/d", "TESSERA_THREADS=7", "TESSERA_HELP=1", "TESSERA_LIBRARY=/l.so",
                "TESSERA_LOG=info", "TESSERA_PTXAS=/p", "PATH=/bin"});
  EXPECT_FALSE(config.cache);
  EXPECT_EQ(config.cacheLayers, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(config.cacheLimit, 3u << 20);
  EXPECT_EQ(config.dump, "/d");
  EXPECT_EQ(config.threads, 7u);
  EXPECT_EQ(config.hostThreads(), 7u);
  EXPECT_TRUE(config.help);
  EXPECT_EQ(config.library, "/l.so");
  EXPECT_EQ(config.log, LogLevel::Info);
  EXPECT_EQ(config.assembler, "/p");
}

TEST(Config, FindsWhereAssemblersAre) {
  EXPECT_EQ(readGood({}).assembler, "");
  EXPECT_TRUE(readGood({}).cudaFolders.empty());
  // In this order, whatever the order of the environment.
  Config config = readGood({"VIRTUAL_ENV=/v", "CUDA_PATH=/p", "CUDA_HOME=/h"});
  EXPECT_EQ(config.cudaFolders, (std::vector<std::string>{"/h", "/p"}));
  EXPECT_EQ(config.pythonFolders, (std::vector<std::string>{"/v", "/usr/local"}));
  // A word, not a file in the working folder.
  EXPECT_EQ(readGood({"TESSERA_PTXAS=driver"}).assembler, Config::driverAssembles);
  EXPECT_TRUE(llvm::StringRef(readGood({"TESSERA_PTXAS=x/ptxas"}).assembler).starts_with("/"));
}

TEST(Config, EmptyTextCountsAsUnset) {
  Config config = readGood({"HOME=/h", "TESSERA_CACHE_DIR=", "TESSERA_LOG=", "TESSERA_THREADS="});
  EXPECT_EQ(config.cacheDir, "/h/.cache/tessera");
  EXPECT_EQ(config.log, LogLevel::Warn);
}

TEST(Config, ReadsSizes) {
  auto limit = [](const char *variable) { return readGood({variable}).cacheLimit; };
  EXPECT_EQ(limit("TESSERA_CACHE_LIMIT=1"), 1u);
  EXPECT_EQ(limit("TESSERA_CACHE_LIMIT=2K"), 2048u);
  EXPECT_EQ(limit("TESSERA_CACHE_LIMIT=2k"), 2048u);
  EXPECT_EQ(limit("TESSERA_CACHE_LIMIT=5G"), uint64_t(5) << 30);
  EXPECT_EQ(limit("TESSERA_CACHE_LIMIT=17179869183G"), uint64_t(17179869183) << 30);
  for (const char *bad :
       {"0", "0G", "G", "-1", "1.5G", "1T", "1 G", "17179869184G", "18446744073709551616"})
    EXPECT_EQ(messageOf({(std::string("TESSERA_CACHE_LIMIT=") + bad).c_str()}),
              std::string("TESSERA_CACHE_LIMIT: found '") + bad +
                  "', expected a positive number of bytes, with K, M or G for "
                  "powers of 1024");
}

TEST(Config, NamesVariableValueAndExpectation) {
  EXPECT_EQ(messageOf({"TESSERA_CACHE=maybe"}), "TESSERA_CACHE: found 'maybe', expected on or off");
  EXPECT_EQ(messageOf({"TESSERA_LOG=loud"}),
            "TESSERA_LOG: found 'loud', expected quiet, warn or info");
  EXPECT_EQ(messageOf({"TESSERA_THREADS=-1"}),
            "TESSERA_THREADS: found '-1', expected a number from 0 to 65536");
  EXPECT_EQ(messageOf({"TESSERA_THREADS=65537"}),
            "TESSERA_THREADS: found '65537', expected a number from 0 to 65536");
  EXPECT_EQ(messageOf({"TESSERA_CACHE_LAYERS=/a::/b"}),
            "TESSERA_CACHE_LAYERS: found '/a::/b', expected folders separated "
            "by single colons");
}

TEST(Config, NamesTheNearestVariable) {
  EXPECT_EQ(messageOf({"TESSERA_CACHEDIR=/c"}),
            "TESSERA_CACHEDIR: unknown variable; the nearest is "
            "TESSERA_CACHE_DIR (TESSERA_HELP=1 lists all)");
  // Also when it is empty: a typing error stays one.
  EXPECT_NE(messageOf({"TESSERA_LGO="}), "no error");
}

TEST(Config, ReportsEverythingWrongAtOnce) {
  EXPECT_EQ(messageOf({"TESSERA_LOG=loud", "TESSERA_CACHE=maybe"}),
            "TESSERA_LOG: found 'loud', expected quiet, warn or info\n"
            "TESSERA_CACHE: found 'maybe', expected on or off");
}

TEST(Config, CountsThreadsByAffinity) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  EXPECT_EQ(Config().hostThreads(), unsigned(CPU_COUNT(&allowed)));

  int first = 0;
  while (!CPU_ISSET(first, &allowed))
    ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(Config().hostThreads(), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
}

TEST(Config, PrintsValuesAndOrigins) {
  std::string text;
  llvm::raw_string_ostream os(text);
  readGood({"HOME=/h", "TESSERA_CACHE_LIMIT=512M"}).print(os);
  auto contains = [&](llvm::StringRef part) {
    EXPECT_TRUE(llvm::StringRef(text).contains(part)) << text;
  };
  contains("TESSERA_CACHE_DIR=/h/.cache/tessera  ($HOME)\n");
  contains("TESSERA_CACHE_LIMIT=512M  (environment, by default 1G)\n");
  contains("TESSERA_THREADS=0  (default)\n");
  contains("    Keep compiled kernels on disk. Expects on or off.\n");
}

TEST(Config, PrintsHelpOnceFromTheEnvironment) {
  ASSERT_EQ(setenv("TESSERA_HELP", "1", 1), 0);
  testing::internal::CaptureStderr();
  EXPECT_TRUE(llvm::cantFail(Config::fromEnvironment()).help);
  EXPECT_TRUE(llvm::cantFail(Config::fromEnvironment()).help);
  llvm::StringRef help = "Print this list once, to stderr.";
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(llvm::StringRef(text).count(help), 1u) << text;
  unsetenv("TESSERA_HELP");
}

TEST(Log, HonoursTheLevelAndWarnsOnce) {
  auto say = [](LogLevel level) {
    setLogLevel(level);
    testing::internal::CaptureStderr();
    warn("size {}", 1);
    info("done {}", 2);
    setLogLevel(LogLevel::Warn);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(say(LogLevel::Quiet), "");
  EXPECT_EQ(say(LogLevel::Warn), "tessera: warning: size 1\n");
  EXPECT_EQ(say(LogLevel::Info), "tessera: warning: size 1\ntessera: done 2\n");

  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i)
    warnOnce("LogTest", "number {}", i);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "tessera: warning: number 0\n");
}
