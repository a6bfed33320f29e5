Console.WriteLine("Hindsight");
