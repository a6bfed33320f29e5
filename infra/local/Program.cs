using System.CommandLine;
using Hindsight.Local;

var root = new RootCommand("Hindsight finds what a fine-tuning run knew along the way.")
{
    EvaluateCommand.Demo(),
    EvaluateCommand.Evaluate(),
    UpCommand.Create(),
    StatusCommand.Create(),
    ReportCommand.Create(),
    BaselineCommand.Create(),
    MergeCommand.Create(),
    GenerateCommand.Create(),
};
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
